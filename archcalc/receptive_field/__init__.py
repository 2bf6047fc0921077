"""What units see of the input, exactly: intervals, their phases, and by channel."""
