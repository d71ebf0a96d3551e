"""The AWS account of a stage: its session, its id, and explanations of its errors."""

import dataclasses
import json
import os

import boto3
import botocore.session
from botocore import exceptions

from local import stages
from local.failure import Failure
from local.stages import Stage

#: Error codes of AWS.
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN = {
    *("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"),
    *("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"),
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_SIGN_IN = (
    exceptions.SSOTokenLoadError,
    exceptions.UnauthorizedSSOTokenError,
    exceptions.TokenRetrievalError,
    exceptions.LoginError,
    exceptions.NoAuthTokenError,
)
_MISSING = (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)
_UNREACHABLE = (exceptions.ConnectionError, exceptions.HTTPClientError)


def locate(stage: Stage) -> Stage:
    """Return a stage with the region and profile of the environment, if it has none of its own."""
    profile = stage.profile or os.environ.get("AWS_PROFILE") or None
    region = (
        stage.region
        or os.environ.get("AWS_REGION")
        or boto3.Session(profile_name=profile).region_name
    )
    if region is not None:
        stages.validate("region", region, "AWS_REGION or your AWS configuration")
    return dataclasses.replace(stage, region=region, profile=profile)


def refuse_contradicted(stage: Stage) -> None:
    """Raise Failure where the environment and stages.toml name different regions or profiles."""
    for setting, variable in (("region", "AWS_REGION"), ("profile", "AWS_PROFILE")):
        in_file, in_environment = getattr(stage, setting), os.environ.get(variable)
        if in_file and in_environment and in_file != in_environment:
            raise Failure(
                f"{variable} is {in_environment}, and {stages.FILE} has {setting} = "
                f"{json.dumps(in_file)} for {stage.name}. Unset {variable}, or change that line under "
                f"[{stage.name}]."
            )


def session(stage: Stage) -> boto3.Session:
    """Return a session for the account and region of a stage; raises Failure if no region is known."""
    located = locate(stage)
    if located.region is None:
        names = ", ".join(stages.names()) or "no stage yet"
        raise Failure(
            f"In which region is {stage.name}? {stages.FILE} has {names}, and your environment names no "
            f"region. Add it to the command, for example AWS_REGION=eu-central-1; make deploy then "
            f"saves it in {stages.FILE} for all commands."
        )
    return boto3.Session(profile_name=located.profile, region_name=located.region)


def identify(stage: Stage, session: boto3.Session) -> Stage:
    """Return a stage with the account id of a session; raises Failure if the stage has another one."""
    account = session.client("sts").get_caller_identity()["Account"]
    if stage.account not in (None, account):
        raise Failure(
            f"{stage.name} is in account {stage.account} ({stages.FILE}), and your credentials are "
            f"of {account}. Use credentials of {stage.account}, with AWS_PROFILE=name or a profile in "
            f"{stages.FILE}; or name another stage: STACK=other."
        )
    return dataclasses.replace(stage, account=account)


def explain(error: Exception) -> str:
    """Return what an error means, and what to do about it."""
    if isinstance(error, exceptions.ClientError):
        return _explain_response(error)
    if isinstance(error, exceptions.ProfileNotFound):
        names = ", ".join(botocore.session.Session().available_profiles) or "none"
        return (
            f"{error}. Your profiles are: {names}. Name one with AWS_PROFILE= or in {stages.FILE}."
        )
    if isinstance(error, _MISSING):
        return f"There are no AWS credentials here ({error}). Run aws configure, or name a profile: AWS_PROFILE=name."
    if isinstance(error, _SIGN_IN):
        return f"You are no longer signed in to AWS ({error}). Run aws sso login, or aws login, with your profile."
    if isinstance(error, _UNREACHABLE):
        return f"AWS does not respond ({error}). Check the region and the network."
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be read or written: {error.strerror}."
    return str(error)


def _explain_response(error: exceptions.ClientError) -> str:
    code = error.response["Error"]["Code"]
    if code in _EXPIRED:
        return f"Your AWS credentials have expired ({code}). Sign in again, for example with aws sso login."
    if code in _UNKNOWN:
        return (
            f"AWS does not accept your credentials ({code}): a key was mistyped or deleted, or belongs "
            "to another profile. Test them with aws sts get-caller-identity, or use others with "
            "AWS_PROFILE=name."
        )
    if code in _DENIED:
        return (
            "Your AWS credentials do not allow this. Ask the administrator of the account, or use "
            f"others with AWS_PROFILE=name. AWS responded: {error}"
        )
    return str(error)
