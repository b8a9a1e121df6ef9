"""A connection over a slow link: a proxy on the loopback that holds back every byte for a while."""

import asyncio
import threading


class SlowLink:
    """Carries connections to a port of this machine, each byte as late in both directions.

    Attributes:
        port: where it listens.
        carried: bytes that came back from the port so far.
    """

    def __init__(self, to_port: int, seconds: float) -> None:
        self._to_port, self._seconds = to_port, seconds
        self.carried = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._is_up.wait(10)

    def close(self) -> None:
        """Cut every connection, and listen no longer."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connect, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._is_up.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    async def _connect(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far, far_out = await asyncio.open_connection("127.0.0.1", self._to_port)
        await asyncio.gather(self._carry(near, far_out, False), self._carry(far, near_out, True))

    async def _carry(self, read: asyncio.StreamReader, write: asyncio.StreamWriter, counted: bool) -> None:
        due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sender = asyncio.create_task(self._send(due, write))
        while data := await read.read(65536):
            self.carried += len(data) if counted else 0
            due.put_nowait((self._loop.time() + self._seconds, data))
        due.put_nowait((self._loop.time() + self._seconds, b""))
        await sender

    async def _send(self, due: "asyncio.Queue[tuple[float, bytes]]", write: asyncio.StreamWriter) -> None:
        while True:
            when, data = await due.get()
            await asyncio.sleep(max(0.0, when - self._loop.time()))
            if not data:
                write.close()
                return
            try:
                write.write(data)
                await write.drain()
            except ConnectionError:
                return
