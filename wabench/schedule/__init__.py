"""`wabench schedule`: what runs by the clock, each in a process of its own, once at a time and never twice."""
