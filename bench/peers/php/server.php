<?php

// An echo and a broadcast in plain PHP: php server.php -addr 127.0.0.1:9001 [-broadcast]
//
// It has the shape of the article that molva began with, "WebSockets in PHP from scratch": a loop around stream_select,
// a handshake, decode and encode, and three callbacks. What the article left out is here, as the load tester checks it:
// frames in pieces, lengths of 16 and 64 bits, fragments, UTF-8, pings, the closing handshake, and writes that the
// socket takes only in part.
//
// Set up as the manual advises: opcache and its compiler are switched on by the command line that starts this (OPcache:
// Runtime Configuration, opcache.enable_cli and opcache.jit). Reads go past the streams' own buffer, which
// stream_select does not look into. stream_select stops at 1,024 descriptors, so 1,000 connections are what it can hold.

declare(strict_types=1);

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const LARGEST_HEADER = 16 << 10;
const LARGEST_MESSAGE = 64 << 20;
const READ_SIZE = 256 << 10;

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** What a client did wrong, with the close code that says so (RFC 6455 §7.4.1). */
final class ProtocolError extends Exception
{
}

final class Connection
{
    public string $in = '';         // received, not yet decoded
    public string $out = '';        // encoded, not yet taken by the socket
    public bool $open = false;      // the opening handshake is done
    public bool $closing = false;   // cut the connection once $out is empty
    public int $opcode = 0;         // of the message whose fragments come in; 0 between messages
    public string $message = '';    // its fragments so far
    public readonly int $id;

    /** @param resource $socket */
    public function __construct(public readonly mixed $socket)
    {
        $this->id = (int) $socket;
    }

    public function send(int $opcode, string $payload): void
    {
        $this->out .= encode($opcode, $payload);
    }
}

abstract class Server
{
    /** @var array<int, Connection> by ID, which is the number of the socket */
    protected array $connections = [];

    abstract protected function onOpen(Connection $connection): void;

    abstract protected function onMessage(Connection $connection, int $opcode, string $data): void;

    abstract protected function onClose(Connection $connection): void;

    public function run(string $addr): never
    {
        $options = ['socket' => ['backlog' => 4096, 'tcp_nodelay' => true]];
        $flags = STREAM_SERVER_BIND | STREAM_SERVER_LISTEN;
        $listener = stream_socket_server("tcp://$addr", $code, $error, $flags, stream_context_create($options));
        if ($listener === false) {
            fwrite(STDERR, "listen: $error\n");
            exit(1);
        }
        stream_set_blocking($listener, false);
        while (true) {
            $this->turn($listener);
        }
    }

    /** Waits for sockets that are ready, and serves them. @param resource $listener */
    private function turn(mixed $listener): void
    {
        $readable = [$listener];
        $writable = [];
        $urgent = null;
        foreach ($this->connections as $connection) {
            if (!$connection->closing) {
                $readable[] = $connection->socket;
            }
            if ($connection->out !== '') {
                $writable[] = $connection->socket;
            }
        }
        if (!stream_select($readable, $writable, $urgent, null)) {
            return;
        }
        foreach ($readable as $socket) {
            if ($socket === $listener) {
                $this->accept($listener);
                continue;
            }
            // One served before it in this turn may have closed it.
            if ($connection = $this->connections[(int) $socket] ?? null) {
                $this->read($connection);
            }
        }
        foreach ($this->connections as $connection) {
            if ($connection->out !== '' || $connection->closing) {
                $this->flush($connection);
            }
        }
    }

    /** @param resource $listener */
    private function accept(mixed $listener): void
    {
        while ($socket = @stream_socket_accept($listener, 0)) {
            stream_set_blocking($socket, false);
            stream_set_read_buffer($socket, 0);
            stream_set_write_buffer($socket, 0);
            $this->connections[(int) $socket] = new Connection($socket);
        }
    }

    private function read(Connection $connection): void
    {
        $data = @fread($connection->socket, READ_SIZE);
        if ($data === false || $data === '') {
            if (feof($connection->socket)) {
                $this->drop($connection);
            }
            return;
        }
        $connection->in .= $data;
        try {
            if (!$connection->open && !$this->shake($connection)) {
                return;
            }
            $this->receive($connection);
        } catch (ProtocolError $error) {
            $connection->send(CLOSE, pack('n', $error->getCode()) . $error->getMessage());
            $connection->closing = true;
        }
    }

    private function flush(Connection $connection): void
    {
        if ($connection->out !== '') {
            $written = @fwrite($connection->socket, $connection->out);
            if ($written === false) {
                $this->drop($connection);
                return;
            }
            $connection->out = (string) substr($connection->out, $written);
        }
        if ($connection->closing && $connection->out === '') {
            $this->drop($connection);
        }
    }

    private function drop(Connection $connection): void
    {
        unset($this->connections[$connection->id]);
        fclose($connection->socket);
        if ($connection->open) {
            $this->onClose($connection);
        }
    }

    /** Answers the opening handshake once its header is whole (RFC 6455 §4.2). */
    private function shake(Connection $connection): bool
    {
        $end = strpos($connection->in, "\r\n\r\n");
        if ($end === false) {
            if (strlen($connection->in) > LARGEST_HEADER) {
                $this->refuse($connection, '431 Request Header Fields Too Large');
            }
            return false;
        }
        $header = substr($connection->in, 0, $end + 2);
        $connection->in = substr($connection->in, $end + 4);
        if (!preg_match('~^GET \S+ HTTP/1\.1\r\n~', $header)
            || !preg_match('~^Upgrade:[^\r]*\bwebsocket\b~mi', $header)
            || !preg_match('~^Sec-WebSocket-Key:[ \t]*([A-Za-z0-9+/]{22}==)[ \t]*\r~mi', $header, $key)
            || !preg_match('~^Sec-WebSocket-Version:[ \t]*13[ \t]*\r~mi', $header)
        ) {
            $this->refuse($connection, '400 Bad Request');
            return false;
        }
        $accept = base64_encode(sha1($key[1] . GUID, true));
        $connection->out .= "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            . "Sec-WebSocket-Accept: $accept\r\n\r\n";
        $connection->open = true;
        $this->onOpen($connection);
        return true;
    }

    private function refuse(Connection $connection, string $status): void
    {
        $connection->out .= "HTTP/1.1 $status\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        $connection->closing = true;
    }

    /** Takes the whole frames out of what has come in. */
    private function receive(Connection $connection): void
    {
        $at = 0;
        while (!$connection->closing && $frame = decode($connection->in, $at)) {
            $this->onFrame($connection, ...$frame);
        }
        $connection->in = substr($connection->in, $at);
    }

    private function onFrame(Connection $connection, bool $final, int $opcode, string $payload): void
    {
        switch ($opcode) {
            case PING:
                $connection->send(PONG, $payload);
                return;
            case PONG:
                return;
            case CLOSE:
                $connection->send(CLOSE, closeReply($payload));
                $connection->closing = true;
                return;
        }
        if (($opcode === CONTINUATION) === ($connection->opcode === 0)) {
            throw new ProtocolError('a fragment out of place', 1002);
        }
        if ($opcode !== CONTINUATION) {
            $connection->opcode = $opcode;
        }
        if (strlen($connection->message) + strlen($payload) > LARGEST_MESSAGE) {
            throw new ProtocolError('message too large', 1009);
        }
        $connection->message .= $payload;
        if (!$final) {
            return;
        }
        [$opcode, $message] = [$connection->opcode, $connection->message];
        [$connection->opcode, $connection->message] = [0, ''];
        if ($opcode === TEXT && !preg_match('//u', $message)) {
            throw new ProtocolError('text that is not UTF-8', 1007);
        }
        $this->onMessage($connection, $opcode, $message);
    }
}

/** The frame that begins at $at, which moves behind it; null if it is not all there (RFC 6455 §5.2). */
function decode(string $in, int &$at): ?array
{
    $there = strlen($in) - $at;
    if ($there < 2) {
        return null;
    }
    $first = ord($in[$at]);
    $second = ord($in[$at + 1]);
    $final = ($first & 0x80) !== 0;
    $opcode = $first & 0x0f;
    $length = $second & 0x7f;
    if (($first & 0x70) !== 0 || ($second & 0x80) === 0 || !in_array($opcode, [0, 1, 2, 8, 9, 10], true)) {
        throw new ProtocolError('a frame with wrong bits', 1002);
    }
    if ($opcode >= CLOSE && ($length > 125 || !$final)) {
        throw new ProtocolError('a control frame too large or in fragments', 1002);
    }
    $head = 2 + match ($length) {
        126 => 2,
        127 => 8,
        default => 0,
    };
    if ($there < $head + 4) {
        return null;
    }
    if ($length === 126) {
        $length = unpack('n', $in, $at + 2)[1];
    } elseif ($length === 127) {
        $length = unpack('J', $in, $at + 2)[1];
    }
    if ($length < 0 || $length > LARGEST_MESSAGE) {
        throw new ProtocolError('message too large', 1009);
    }
    if ($there < $head + 4 + $length) {
        return null;
    }
    $key = substr($in, $at + $head, 4);
    $payload = substr($in, $at + $head + 4, $length) ^ str_repeat($key, ($length >> 2) + 1);
    $at += $head + 4 + $length;
    return [$final, $opcode, $payload];
}

/** A whole message in one frame, unmasked as a server sends it. */
function encode(int $opcode, string $payload): string
{
    $length = strlen($payload);
    $head = chr(0x80 | $opcode);
    if ($length <= 125) {
        return $head . chr($length) . $payload;
    }
    if ($length <= 0xffff) {
        return $head . chr(126) . pack('n', $length) . $payload;
    }
    return $head . chr(127) . pack('J', $length) . $payload;
}

/** What a close frame is answered with: its own code, if it may be sent (RFC 6455 §5.5.1). */
function closeReply(string $payload): string
{
    if ($payload === '') {
        return '';
    }
    $code = strlen($payload) >= 2 ? unpack('n', $payload)[1] : 0;
    $known = $code >= 1000 && $code <= 1014 && !in_array($code, [1004, 1005, 1006], true);
    if (!$known && ($code < 3000 || $code > 4999)) {
        throw new ProtocolError('a wrong close code', 1002);
    }
    if (!preg_match('//u', substr($payload, 2))) {
        throw new ProtocolError('a reason that is not UTF-8', 1007);
    }
    return pack('n', $code);
}

final class EchoServer extends Server
{
    protected function onOpen(Connection $connection): void
    {
    }

    protected function onMessage(Connection $connection, int $opcode, string $data): void
    {
        $connection->send($opcode, $data);
    }

    protected function onClose(Connection $connection): void
    {
    }
}

final class BroadcastServer extends Server
{
    /** @var array<int, Connection> */
    private array $members = [];

    protected function onOpen(Connection $connection): void
    {
        $this->members[$connection->id] = $connection;
    }

    protected function onMessage(Connection $connection, int $opcode, string $data): void
    {
        $frame = encode($opcode, $data); // once for all
        foreach ($this->members as $member) {
            if (!$member->closing) {
                $member->out .= $frame;
            }
        }
    }

    protected function onClose(Connection $connection): void
    {
        unset($this->members[$connection->id]);
    }
}

$addr = '127.0.0.1:9001';
$broadcast = false;
for ($i = 1; $i < $argc; $i++) {
    match ($argv[$i]) {
        '-addr' => $addr = $argv[++$i] ?? '',
        '-broadcast' => $broadcast = true,
        default => exit("server.php: unknown flag {$argv[$i]}\n"),
    };
}
($broadcast ? new BroadcastServer() : new EchoServer())->run($addr);
