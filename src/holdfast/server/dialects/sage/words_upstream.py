"""What Sage says of signing in elsewhere, and on the page where one signs in."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "providers_listed": ("获取认证 Providers 成功", "Authentication providers retrieved"),
    "provider_none": ("未配置可用的 OAuth Provider", "No OAuth provider is configured"),
    "provider_unknown": ("OAuth Provider 不存在", "OAuth provider does not exist"),
    "provider_mismatch": ("OAuth Provider 不匹配", "OAuth provider does not match"),
    "callback_refused": ("OAuth 回调地址非法", "OAuth callback address is not allowed"),
    "flow_ended": ("OAuth 登录状态已失效", "OAuth sign-in has expired. Please begin again"),
    "flow_foreign": ("OAuth 登录状态校验失败", "OAuth sign-in could not be verified. Please begin again"),
    "upstream_refused": ("OAuth 登录被拒绝", "The OAuth provider refused the sign-in"),
    "upstream_failed": ("OAuth 登录失败", "OAuth sign-in failed"),
    "native_name": ("账号密码", "Account and password"),
    "native_button": ("使用账号密码登录", "Sign in with account and password"),
    "native_description": (
        "输入 Sage 内置账号和密码进入工作台",
        "Enter your Sage account and password to open the workspace",
    ),
    "provider_button": ("使用{name}登录", "Sign in with {name}"),
    "page_sign_in": ("登录", "Sign in"),
    "page_name": ("用户名或邮箱", "Username or email"),
    "page_password": ("密码", "Password"),
    "page_admins": (
        "仅管理员可以使用密码登录",
        "Only administrators can sign in with a password",
    ),
    "page_no_ways": ("目前没有可用的登录方式", "There is no way to sign in at the moment"),
    "page_signed_in": ("已登录", "Signed in"),
    "page_as": ("当前账号：{name}", "You are signed in as {name}"),
    "page_continue": ("继续", "Continue"),
    "page_sign_out": ("退出登录", "Sign out"),
}
"""By a name of ours: the text in Chinese, and in English."""
