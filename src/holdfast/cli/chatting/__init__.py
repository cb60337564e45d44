"""What `holdfast chat --plain` does: a conversation line by line, for screen readers and simple terminals."""
