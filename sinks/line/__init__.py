"""The LINE sink: profiles and messages, asked for on line.requests.v1 and answered on line.results.v1."""
