"""Replies: what an inbound message is answered, by rule or by a person, and how that answer goes out once."""
