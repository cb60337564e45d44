"""What Sage says of accounts."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "code_sent": ("验证码发送成功", "Verification code sent"),
    "registered": ("注册成功", "Registered"),
    "signed_in": ("登录成功", "Signed in"),
    "signed_out": ("退出成功", "Signed out"),
    "users_read": ("获取用户列表成功", "Users retrieved"),
    "password_changed": ("密码修改成功", "Password changed"),
    "user_added": ("用户添加成功", "User added"),
    "user_deleted": ("用户删除成功", "User deleted"),
    "config_read": ("获取配置成功", "Configuration retrieved"),
    "config_updated": ("更新配置成功", "Configuration updated"),
    "system_read": ("获取系统信息成功", "System information retrieved"),
    "settings_updated": ("系统设置更新成功", "System settings updated"),
    "healthy": ("服务运行正常", "Service is healthy"),
    "wrong_password": ("用户名或密码错误", "Invalid username or password"),
    "passwords_off": ("当前服务未启用本地账号密码登录", "Local password login is disabled"),
    "passwords_of_admins": (
        "当前服务仅允许管理员通过账号密码登录",
        "Only administrators can sign in with a password",
    ),
    "accounts_elsewhere": ("当前服务未启用本地账号注册", "Local account registration is disabled"),
    "code_too_soon": (
        "验证码发送过于频繁，请 {seconds} 秒后重试",
        "Verification code sent too frequently. Try again in {seconds} seconds",
    ),
    "email_asked_for": ("请输入邮箱地址", "Please enter an email address"),
    "email_required": ("注册必须填写邮箱", "Email is required for registration"),
    "mail_off": ("邮件服务未配置", "The mail service is not configured"),
    "mail_not_sent": (
        "验证码发送失败，请稍后重试",
        "The code could not be sent. Try again later",
    ),
    "administrator_kept": ("无法删除管理员用户", "Cannot delete an administrator user"),
    "core.registration_off": ("系统不允许自注册", "Self-registration is disabled"),
    "core.invalid_email": ("邮箱格式不正确", "Invalid email format"),
    "core.email_exists": ("邮箱已存在", "Email already exists"),
    "core.user_exists": ("用户名已存在", "Username already exists"),
    "core.user_not_found": ("用户不存在", "User not found"),
    "core.wrong_code": ("验证码错误", "Invalid verification code"),
    "core.wrong_old_password": ("旧密码错误", "Old password is incorrect"),
    "core.no_password": ("当前账号未设置密码", "This account has no password"),
    "core.weak_password": ("密码长度须为 8 到 256 个字符", "A password has 8 to 256 characters"),
    "core.invalid_user_name": ("用户名格式不正确", "Invalid username"),
    "core.invalid_phone": ("手机号格式不正确", "Invalid phone number"),
    "core.too_many_passwords": ("密码错误次数过多，请稍后重试", "Too many wrong passwords. Try again later"),
    "core.too_many_failures": ("尝试次数过多，请稍后重试", "Too many attempts. Try again later"),
    "core.too_many_logins": ("登录次数过多，请先退出部分登录", "Too many sign-ins. Sign out of some first"),
}
"""By a name of ours: the text in Chinese, and in English."""
