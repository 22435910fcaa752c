"""Classify the penguins, and give the labels as feedback."""

import poet_import
from examples.learning_classifier import classifier, penguins


def main() -> None:
    """Print how many were told right, and whose logic has decided."""
    flock = penguins.read_penguins()
    right = 0
    for penguin in flock:
        guess = classifier.species(**penguin.measures)
        execution_id = poet_import.last_execution_id()
        assert execution_id is not None
        poet_import.feedback(execution_id, guess == penguin.species)
        right += guess == penguin.species
    model = poet_import.describe(classifier.species).model
    print(f"{right} of {len(flock)} right, by {model or 'the function as it is written'}")


if __name__ == "__main__":
    main()
