"""The clock: jobs that ask the tables what is due."""
