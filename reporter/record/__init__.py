"""The verdict: what was judged, how, and why. Versioned; imports nothing of ours."""
