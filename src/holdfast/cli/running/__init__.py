"""What `holdfast run` does: prepares the session, follows the run, shows it, and asks on a terminal."""
