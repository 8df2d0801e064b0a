//go:build linux

package contest

import "slices"

const (
	benchModule  = "github.com/molva-ws/molva/bench/"
	molvaCommand = "github.com/molva-ws/molva/cmd/molva"
	benchHere    = "{bench}"
)

// Contenders are all servers that can be called by name: the limit, which ratios are to, then molva, then the peers.
func Contenders() []Contender {
	all := []Contender{
		{Name: "rawecho", Title: "raw TCP, no protocol", Role: Limit, Raw: true,
			Package: benchModule + "rawecho", Command: []string{"-addr", addrHere}},
		ownServer(MolvaName, "molva Server", "loop"),
		ownServer("molva-portable", "molva Server, portable", "portable"),
		ownServer("molva-accept", "molva Accept", "accept"),
	}
	all = append(all, goPeers()...)
	return append(all, nodeWS(), pythonWebsockets(), php())
}

func ownServer(name, title, engine string) Contender {
	return Contender{Name: name, Title: title, Role: Own, Compresses: true, Shares: true,
		Package: benchModule + "peers/molva", Command: []string{"-addr", addrHere, "-engine", engine}}
}

func goPeers() []Contender {
	peer := func(folder, module string, flags ...string) Contender {
		return Contender{Name: folder, Title: module, Role: Peer, Compresses: true, Shares: true,
			Package: benchModule + "peers/" + folder, Command: slices.Concat([]string{"-addr", addrHere}, flags),
			Modules: []string{"github.com/" + module}}
	}
	blocking := peer("nbio", "lesismal/nbio", "-iomod", "blocking")
	blocking.Name, blocking.Title = "nbio-blocking", "lesismal/nbio, blocking"
	return []Contender{
		peer("gobwas", "gobwas/ws"),
		peer("gws", "lxzan/gws"),
		peer("nbio", "lesismal/nbio"),
		blocking,
		peer("gorilla", "gorilla/websocket"),
		peer("fasthttp", "fasthttp/websocket"),
		peer("coder", "coder/websocket"),
	}
}

func nodeWS() Contender {
	const folder = benchHere + "/peers/node-ws"
	return Contender{Name: "node-ws", Title: "Node ws", Role: Peer, Compresses: true,
		Command:  []string{"node", folder + "/server.mjs", "-addr", addrHere},
		Requires: []string{"node", "-e", "require('" + folder + "/node_modules/ws')"},
		Install:  []string{"npm", "ci", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error"},
		Advice:   "install node and npm; `npm ci` in bench/peers/node-ws fetches ws",
		Version: []string{"node", "-p", "`ws ${require('" + folder + "/node_modules/ws/package.json').version}, " +
			"Node ${process.version}`"},
	}
}

// pythonWebsockets runs on Debian's own interpreter, for its packages: another one in PATH would not have them.
func pythonWebsockets() Contender {
	const python, folder = "/usr/bin/python3", benchHere + "/peers/python-websockets"
	return Contender{Name: "python-websockets", Title: "Python websockets", Role: Peer, Compresses: true, Shares: true,
		Command:  []string{python, folder + "/server.py", "-addr", addrHere},
		Requires: []string{python, "-c", "import websockets"},
		Advice:   "install Debian's python3-websockets and python3-uvloop",
		Version: []string{python, "-c", "import platform, websockets, importlib.util as u\n" +
			"print('websockets', websockets.__version__ + ', Python', platform.python_version() + ',', " +
			"'uvloop' if u.find_spec('uvloop') else 'no uvloop')"},
	}
}

func php() Contender {
	return Contender{Name: "php", Title: "plain PHP", Role: Peer,
		Command: []string{"php", "-d", "memory_limit=-1", "-d", "opcache.enable_cli=1", "-d", "opcache.jit=tracing",
			"-d", "opcache.jit_buffer_size=64M", benchHere + "/peers/php/server.php", "-addr", addrHere},
		Requires: []string{"php", "-r", "exit(function_exists('stream_select') ? 0 : 1);"},
		Advice:   "install php-cli, version 8.1 or later",
		MaxConns: 1000, WhyMax: "stream_select stops at 1,024 descriptors",
		Version: []string{"php", "-r", "echo 'PHP ', PHP_VERSION;"},
	}
}
