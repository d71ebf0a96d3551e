"""The AWS account of a stage: its session, whose it is, and what its errors mean in a sentence."""

import dataclasses
import json
import os

import boto3
import botocore.session
from botocore import exceptions

from local import stages
from local.failure import Failure
from local.stages import Stage

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
    """Return a stage with the region and profile of the environment, where it has none of its own."""
    profile = stage.profile or os.environ.get("AWS_PROFILE") or None
    region = (
        stage.region
        or os.environ.get("AWS_REGION")
        or boto3.Session(profile_name=profile).region_name
    )
    if region is not None:
        stages.check("region", region, "AWS_REGION or your AWS configuration")
    return dataclasses.replace(stage, region=region, profile=profile)


def refuse_contradicted(stage: Stage) -> None:
    """Raise Failure where the environment names another region or profile than the file has."""
    for setting, variable in (("region", "AWS_REGION"), ("profile", "AWS_PROFILE")):
        noted, named = getattr(stage, setting), os.environ.get(variable)
        if noted and named and noted != named:
            raise Failure(
                f"{variable} is {named}, and {stages.FILE} has {setting} = {json.dumps(noted)} for "
                f"{stage.name}. Which is meant? Unset {variable}, or change that line under "
                f"[{stage.name}]."
            )


def session(stage: Stage) -> boto3.Session:
    """Return a session where a stage is; raises Failure where no region is known."""
    located = locate(stage)
    if located.region is None:
        known = ", ".join(stages.names()) or "no stage yet"
        raise Failure(
            f"In which region is {stage.name}? {stages.FILE} has {known}, and your environment names no "
            f"region. Add AWS_REGION=eu-central-1, or whichever it is, to the command; make deploy then "
            f"notes it in {stages.FILE} for all commands."
        )
    return boto3.Session(profile_name=located.profile, region_name=located.region)


def identify(stage: Stage, session: boto3.Session) -> Stage:
    """Return a stage with the account of a session; raises Failure where it belongs to another."""
    account = session.client("sts").get_caller_identity()["Account"]
    if stage.account not in (None, account):
        raise Failure(
            f"{stage.name} is in account {stage.account} ({stages.FILE}), and your credentials are "
            f"of {account}. Take those of that account, by AWS_PROFILE=name or a profile in "
            f"{stages.FILE}; or name another stage: STACK=other."
        )
    return dataclasses.replace(stage, account=account)


def sentence(error: Exception) -> str:
    """Return what an error means, and what to do about it."""
    if isinstance(error, exceptions.ClientError):
        return _of_an_answer(error)
    if isinstance(error, exceptions.ProfileNotFound):
        known = ", ".join(botocore.session.Session().available_profiles) or "none"
        return f"{error}. There are: {known}. AWS_PROFILE= or {stages.FILE} names one."
    if isinstance(error, _MISSING):
        return f"There are no AWS credentials here ({error}). Run aws configure, or name a profile: AWS_PROFILE=name."
    if isinstance(error, _SIGN_IN):
        return f"You are not signed in at AWS any more ({error}). Run aws sso login, or aws login, with your profile."
    if isinstance(error, _UNREACHABLE):
        return f"AWS does not answer ({error}). Is the region right, and is there a network?"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be read or written: {error.strerror}."
    return str(error)


def _of_an_answer(error: exceptions.ClientError) -> str:
    code = error.response["Error"]["Code"]
    if code in _EXPIRED:
        return f"Your AWS credentials have expired ({code}). Sign in again, as you did for these: aws sso login, for example."
    if code in _UNKNOWN:
        return (
            f"AWS does not take your credentials ({code}): a key was mistyped or deleted, or belongs "
            "to another profile. aws sts get-caller-identity tries them; AWS_PROFILE=name takes others."
        )
    if code in _DENIED:
        return f"Your AWS credentials do not allow this. Ask whoever gives them out, or take others (AWS_PROFILE=name). AWS said: {error}"
    return str(error)
