"""The network: cities and fibre, who has routers where, and how they are joined."""
