"""A world in a box around the real program: simulated LINE and HubSpot, `up` as a child, and a story to live in it.

Law: the program is met as its users meet it: settings, signed webhooks, verbs, topics, and what stands in HubSpot.
"""
