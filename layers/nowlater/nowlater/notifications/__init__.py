"""Events of ended jobs: published to SNS, and sent as signed webhooks."""
