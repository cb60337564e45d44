"""What the commands about knowledge do with jobs: name what is to be taken in, follow it, and sum it up."""
