"""What has to be told to people who look at no screen: what stands, and telling it once."""
