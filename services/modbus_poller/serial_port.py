"""A serial port as a line of Modbus RTU, by POSIX terminal settings alone.

Modbus over Serial Line V1.02 section 2.5: 8 data bits, even parity unless the devices say otherwise, one stop bit (two
without parity). The operating system's terminal interface does this; where there is none (Windows), the error says so.
Who may speak when is `services.modbus_poller.line`.
"""

from __future__ import annotations

import asyncio
import errno
import os
from dataclasses import dataclass
from typing import Final, Literal

try:
    import fcntl
    import termios
except ImportError:  # pragma: no cover  # not POSIX: said when a port is opened
    fcntl = termios = None  # type: ignore[assignment]  # a module, or none

READ_AT_ONCE: Final = 4096

Parity = Literal["none", "even", "odd"]


@dataclass(frozen=True, slots=True)
class SerialAddress:
    """A port of this machine and how bytes are sent on it."""

    path: str
    baud: int = 9600
    parity: Parity = "even"
    stop_bits: int = 1

    @property
    def byte_s(self) -> float:
        """How long one byte takes [s]: start bit, eight data bits, parity, stop bits."""
        return (9 + (self.parity != "none") + self.stop_bits) / self.baud

    def __str__(self) -> str:
        return self.path


class SerialTransport:
    """An open port: bytes out at once, bytes in to the protocol."""

    def __init__(self, handle: int, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol) -> None:
        self._handle: int | None = handle
        self._loop, self._protocol = loop, protocol
        loop.add_reader(handle, self._readable)

    def write(self, frame: bytes) -> None:
        """Send a frame: a few bytes, which the driver's buffer takes at once."""
        if self._handle is None:
            return
        try:
            if os.write(self._handle, frame) != len(frame):
                self._fail(OSError("the port takes no bytes"))
        except OSError as error:
            self._fail(error)

    def abort(self) -> None:
        """Close the port."""
        if self._handle is not None:
            self._loop.remove_reader(self._handle)
            os.close(self._handle)
            self._handle = None

    def _readable(self) -> None:
        assert self._handle is not None
        try:
            data = os.read(self._handle, READ_AT_ONCE)
        except BlockingIOError:
            return
        except OSError as error:  # an adapter that was pulled out
            self._fail(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._fail(OSError("the port is gone"))

    def _fail(self, error: OSError) -> None:
        self.abort()
        self._protocol.connection_lost(error)


def open_port(
    address: SerialAddress, *, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol
) -> SerialTransport:
    """Open a port, for this process alone. OSError if it cannot be, or where there are no POSIX terminals."""
    if termios is None:
        raise OSError(errno.ENOTSUP, "expected a POSIX system for a serial line, got one without termios")
    handle = os.open(address.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(handle, termios.TIOCEXCL)
        termios.tcsetattr(handle, termios.TCSANOW, _settings(handle, address))
        termios.tcflush(handle, termios.TCIOFLUSH)
    except termios.error as error:
        os.close(handle)
        raise OSError(error.args[0], f"no serial port: {error.args[1]}") from error
    except BaseException:
        os.close(handle)
        raise
    return SerialTransport(handle, loop, protocol)


def _settings(handle: int, address: SerialAddress) -> list[object]:
    """Raw bytes: no echo, no line editing, no flow control."""
    speed = getattr(termios, f"B{address.baud}", None)
    if speed is None:
        raise OSError(errno.EINVAL, f"expected a speed this system knows, got {address.baud} baud")
    control = termios.CREAD | termios.CLOCAL | termios.CS8
    if address.parity != "none":
        control |= termios.PARENB | (termios.PARODD if address.parity == "odd" else 0)
    if address.stop_bits == 2:
        control |= termios.CSTOPB
    characters = termios.tcgetattr(handle)[6]
    characters[termios.VMIN], characters[termios.VTIME] = 0, 0
    check = termios.INPCK if address.parity != "none" else 0
    return [check, 0, control, 0, speed, speed, characters]
