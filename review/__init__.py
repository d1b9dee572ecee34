"""What an infrastructure change will do, for the people who must say yes or no to it."""
