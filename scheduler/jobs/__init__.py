"""One job a file, each with its JOB."""
