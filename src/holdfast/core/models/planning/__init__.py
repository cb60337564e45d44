"""The planner behind the offline model: what was asked, the calls it takes, what to say of the results."""
