"""The admin API and the notification endpoints, free of any framework: a request in, an answer out."""
