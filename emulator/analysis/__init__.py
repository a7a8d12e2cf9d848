"""What a run means: metrics, pictures, the report and the gate. Reads records, runs nothing."""
