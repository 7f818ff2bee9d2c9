"""What the stand-in refuses and how it says so: one table of status, code and message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ErrorKind:
    """One documented refusal. ``message`` is a format string."""

    status: int
    code: str
    message: str


# Where the facts leave the HTTP status of an expired delta token open, we answer 400.
EXPIRED_DELTA_TOKEN_STATUS = 400

ERRORS: Mapping[str, ErrorKind] = {
    "NotFound": ErrorKind(404, "0x80040217", "Entity '{table}' With Id = {id} Does Not Exist"),
    "UnknownSegment": ErrorKind(404, "0x8006088a", "Resource not found for the segment '{segment}'."),
    "DuplicateKey": ErrorKind(412, "0x80040237", "A record with matching key values already exists."),
    "DuplicateRecord": ErrorKind(
        412,
        "0x80040333",
        "A record was not created or updated because a duplicate of the current record already exists.",
    ),
    "VersionMismatch": ErrorKind(
        412,
        "0x80060882",
        "The version of the existing record doesn't match the RowVersion property provided.",
    ),
    "ConcurrencyNotEnabled": ErrorKind(
        400, "0x8006088d", "Optimistic concurrency is not enabled for the entity '{table}'."
    ),
    "UnknownAlternateKey": ErrorKind(
        400, "0x80060890", "The specified key attributes are not a defined key for the {table} entity"
    ),
    "TooLong": ErrorKind(
        400,
        "0x80044331",
        "A validation error occurred.  The length of the '{column}' attribute of the '{table}' entity "
        "exceeded the maximum allowed length of '{limit}'.",
    ),
    "OutOfRange": ErrorKind(
        400,
        "0x80044330",
        "A validation error occurred. The value {value} of '{column}' on record of type '{table}' is outside "
        "the valid range.",
    ),
    "InvalidOption": ErrorKind(
        400,
        "0x8004431a",
        "A validation error occurred. The value {value} of '{column}' on record of type '{table}' is not one "
        "of the accepted values.",
    ),
    "InvalidStatusForState": ErrorKind(
        400,
        "0x80048408",
        "{status} is not a valid status code for state code {table}State.{state} on {table} with Id {id}.",
    ),
    "InvalidArgument": ErrorKind(400, "0x80040203", "{message}"),
    "InvalidPayload": ErrorKind(
        400,
        "0x80048d19",
        "Error identified in Payload provided by the user for Entity :'{entity_set}'  ---->  "
        "InnerException : Microsoft.OData.ODataException: {message}",
    ),
    "InvalidQuery": ErrorKind(400, "0x80060888", "{message}"),
    "FetchNoEntity": ErrorKind(
        400,
        "0x80041102",
        "The entity with a name = '{name}' with namemapping = 'Logical' was not found in the MetadataCache.",
    ),
    "FetchNoAttribute": ErrorKind(
        400,
        "0x80041103",
        "'{table}' entity doesn't contain attribute with Name = '{name}' and NameMapping = 'Logical'.",
    ),
    "FetchOperator": ErrorKind(400, "0x80041120", "The condition operator '{operator}' is not supported."),
    "FetchJoin": ErrorKind(400, "0x80041121", "The link-type '{name}' is not supported."),
    "FetchFilterType": ErrorKind(400, "0x80041122", "The filter type '{name}' is not supported."),
    "TooManyLinks": ErrorKind(400, "0x8004430d", "Number of link entities in query exceeded maximum limit."),
    "UnsupportedQueryOption": ErrorKind(400, "0x80060888", "The query parameter {option} is not supported"),
    "NotWithChangeTracking": ErrorKind(
        400,
        "0x80060888",
        'The "{option}" query parameter isn\'t supported when Change Tracking is enabled.',
    ),
    "ChangeTrackingNotEnabled": ErrorKind(
        400, "0x80072491", "Change tracking is not enabled for the entity {table}."
    ),
    "ExpiredVersionStamp": ErrorKind(
        EXPIRED_DELTA_TOKEN_STATUS,
        "0x80044352",
        "Version stamp associated with the client has expired. Please perform a full sync.",
    ),
    "PartyTableNotAllowed": ErrorKind(
        400,
        "0x80043506",
        "Cannot create activity party of specified object type: {target} with participation type {mask}.",
    ),
    "PartyWithoutTarget": ErrorKind(
        400, "0x80043504", "The activity party has neither a party nor an address. {message}"
    ),
    "InvalidPattern": ErrorKind(400, "0x8004e100", "Invalid recurrence pattern. {message}"),
    "InvalidSeriesId": ErrorKind(400, "0x8004e105", "The series id is missing or is no series: {series}."),
    "InvalidInstanceType": ErrorKind(
        400, "0x8004e107", "The appointment is not of a type that allows this: {message}"
    ),
    "InstancesOverlap": ErrorKind(
        400, "0x8004e108", "The appointment would overlap with another instance of its series ({other})."
    ),
    "NotOfTheSeries": ErrorKind(
        400, "0x8004e109", "The series {series} has no instance that originally starts at {start}."
    ),
    "ValidateRecurring": ErrorKind(400, "0x8004e10a", "A recurring appointment cannot be validated."),
    "SeriesComplete": ErrorKind(400, "0x8004e10b", "All instances of the series {series} exist."),
    "OutsideExpansion": ErrorKind(
        400, "0x8004e115", "{start} is outside of the range in which instances of a series may be."
    ),
    "MovedOutsideExpansion": ErrorKind(
        400, "0x8004e121", "The instance cannot be moved to {start}, outside of the expansion range."
    ),
    "PatternOverlaps": ErrorKind(
        400, "0x8004e120", "The instances of the series last longer than the time between them."
    ),
    "SkipsOverLater": ErrorKind(
        400, "0x8004e122", "The instance would skip over a later one of its series ({other})."
    ),
    "SkipsOverEarlier": ErrorKind(
        400, "0x8004e123", "The instance would skip over an earlier one of its series ({other})."
    ),
    "SeriesInThePast": ErrorKind(400, "0x8004e125", "The series would end earlier than today."),
    "InvalidBooking": ErrorKind(400, "0x80060914", "The booking has invalid data: {message}"),
    "AttachmentBlocked": ErrorKind(
        400,
        "0x80043e09",
        "The attachment is either not a valid type or is too large. It cannot be uploaded or downloaded.",
    ),
    "AttachmentTooLarge": ErrorKind(400, "0x80044a02", "Attachment file size is too big."),
    "PrivilegeDenied": ErrorKind(
        403,
        "0x80040220",
        "Principal user (Id={user}, type=8) is missing the {access} right on {table} {id}.",
    ),
    "SecuredCreate": ErrorKind(
        403,
        "0x8004f502",
        "The user does not have create permissions to a secured field. The requested operation could not be "
        "completed. ({column})",
    ),
    "SecuredUpdate": ErrorKind(
        403,
        "0x8004f507",
        "The user doesn't have AttributePrivilegeUpdate and not granted shared access for a secured "
        "attribute during update operation ({column})",
    ),
    "UserDisabled": ErrorKind(
        403, "0x80040225", "The user with SystemUserId={user} is disabled and cannot be impersonated."
    ),
    "UnknownUser": ErrorKind(403, "0x80072560", "The user is not a member of the organization: {user}."),
    "MessageNotSupported": ErrorKind(
        405, "0x80040800", "The '{message}' method does not support entities of type '{table}'."
    ),
    "MethodNotAllowed": ErrorKind(
        405, "0x8006088a", "The requested resource does not support http method '{method}'."
    ),
    "UnsupportedMediaType": ErrorKind(415, "0x80060888", "The content type '{type}' is not supported."),
    "UrlTooLong": ErrorKind(414, "0x80060888", "The length of the URL exceeds {limit} characters."),
    "BatchTooLarge": ErrorKind(
        400,
        "0x80060889",
        "The current batch message contains too many parts. The limit is {limit}.",
    ),
    "InvalidBatch": ErrorKind(400, "0x80060888", "{message}"),
    "NotInStandIn": ErrorKind(501, "0x80040800", "This stand-in does not have {feature}."),
    "TooManyRequests": ErrorKind(
        429,
        "0x80072322",
        "Number of requests exceeded the limit of {limit} over time window of {window} seconds.",
    ),
    "TooMuchTime": ErrorKind(
        429,
        "0x80072321",
        "Combined execution time of incoming requests exceeded limit of {limit:,} milliseconds over time "
        "window of {window} seconds. Decrease number of concurrent requests or reduce the duration of "
        "requests and try again later.",
    ),
    "TooManyAtOnce": ErrorKind(
        429, "0x80072326", "Number of concurrent requests exceeded the limit of {limit}."
    ),
}


@dataclass
class Refusal(Exception):  # noqa: N818 - an answer, not a failure of ours
    """A request that is answered with an error body."""

    status: int
    code: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message}}


def refuse(kind: str, headers: dict[str, str] | None = None, **details: Any) -> Refusal:
    """The refusal of that kind with its message filled in; to be raised."""
    error = ERRORS[kind]
    return Refusal(error.status, error.code, error.message.format(**details), headers or {})
