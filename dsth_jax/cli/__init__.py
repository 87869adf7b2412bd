"""What the commands share: flags, and errors in one sentence."""
