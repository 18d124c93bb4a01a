"""Reports: roll-ups of the journal, usage, losses, spending caps, liability and quotas."""
