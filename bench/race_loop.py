"""What the Python sides of the races share: a command a line on standard input, one JSON object a line back."""
import json
import sys


def serve(race):
    """Calls the method that the first word names, with the other words."""
    for line in sys.stdin:
        words = line.split()
        if words:
            print(json.dumps(getattr(race, words[0])(*words[1:])), flush=True)
