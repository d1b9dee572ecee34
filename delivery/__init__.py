"""What the workflows in .github/ run beside the CDK: whom they believe, and what has drifted."""
