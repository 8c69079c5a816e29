"""External fields: kicks, pulses, lasers, sampled and custom fields."""
