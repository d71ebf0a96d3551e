"""The AWS services that hold data: the table, the bucket, the queues and the secret."""
