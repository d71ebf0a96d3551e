"""AWS's rules about what the template uses, as functions over what CloudFormation would be given."""
