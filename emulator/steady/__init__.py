"""The fixed point without time: where BGP settles, reached without simulating how."""
