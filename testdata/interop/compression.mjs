// What ws is told about permessage-deflate, as a client and as a server.
export const compression = {
  off: false,
  "without takeover": { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 },
  "with takeover": { threshold: 0 },
  "in windows of 512 bytes": { serverMaxWindowBits: 9, clientMaxWindowBits: 9, threshold: 0 },
};
