"""A world in a box: simulators of LINE and HubSpot. Imports nothing of ours."""
