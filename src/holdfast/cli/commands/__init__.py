"""One module for each command or group of commands; `holdfast.cli.app` imports one when it is asked for."""
