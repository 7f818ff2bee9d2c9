"""Refusals as Service Bus words them: a condition, a sentence and the status code of management replies."""

from __future__ import annotations


class RefusalError(Exception):
    """The broker will not do what the client asked for; the connection lives on."""

    def __init__(self, condition: str, description: str, status: int) -> None:
        super().__init__(description)
        self.condition = condition
        self.description = description
        self.status = status


def not_found(entity: str) -> RefusalError:
    return RefusalError("amqp:not-found", f"The messaging entity '{entity}' could not be found.", 404)


def not_allowed(description: str) -> RefusalError:
    return RefusalError("amqp:not-allowed", description, 400)


def not_implemented(description: str) -> RefusalError:
    return RefusalError("amqp:not-implemented", description, 501)


def unauthorized(description: str) -> RefusalError:
    return RefusalError("amqp:unauthorized-access", description, 401)


def bad_argument(description: str) -> RefusalError:
    return RefusalError("com.microsoft:argument-error", description, 400)


def message_lock_lost() -> RefusalError:
    return RefusalError(
        "com.microsoft:message-lock-lost",
        "The lock supplied is invalid. Either the lock expired, or the message has already been removed "
        "from the queue.",
        410,
    )


def session_lock_lost(session_id: str) -> RefusalError:
    return RefusalError(
        "com.microsoft:session-lock-lost",
        f"The lock on session '{session_id}' has expired or is not held. Accept the session again.",
        410,
    )


def session_cannot_be_locked(session_id: str) -> RefusalError:
    return RefusalError(
        "com.microsoft:session-cannot-be-locked",
        f"The requested session '{session_id}' cannot be accepted. It may be locked by another receiver.",
        409,
    )


def no_session_in_time() -> RefusalError:
    return RefusalError(
        "com.microsoft:timeout",
        "No unlocked session with messages appeared within the operation's time.",
        408,
    )


def message_not_found(sequence: int) -> RefusalError:
    return RefusalError(
        "com.microsoft:message-not-found", f"No message with sequence number {sequence} was found.", 404
    )


def message_too_large(size: int, limit: int) -> RefusalError:
    return RefusalError(
        "amqp:link:message-size-exceeded",
        f"The received message (size:{size} bytes) exceeds the limit ({limit} bytes) currently allowed.",
        413,
    )


def queue_full(name: str) -> RefusalError:
    return RefusalError(
        "amqp:resource-limit-exceeded", f"The maximum size of queue '{name}' has been reached.", 403
    )
