"""Who asks and how they are steered: resolvers, strategies, ranking, health checks, requests and retries."""
