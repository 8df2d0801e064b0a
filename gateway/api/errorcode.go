package api

// ErrorCode says what is wrong in a word that programs can rely on.
type ErrorCode string

// The codes that applications are told; see docs/api.md.
const (
	ErrBadJSON      ErrorCode = "bad_json"
	ErrBadCommand   ErrorCode = "bad_command"
	ErrBadField     ErrorCode = "bad_field"
	ErrUnauthorized ErrorCode = "unauthorized"
	ErrBadMethod    ErrorCode = "bad_method"
	ErrTooLarge     ErrorCode = "too_large"
	ErrKeyReused    ErrorCode = "key_reused"
	ErrBusy         ErrorCode = "busy"
	ErrBadConfig    ErrorCode = "bad_config" // reload has found mistakes, and everything stays as it was
	ErrInternal     ErrorCode = "internal"   // the server failed on the command
)

// The codes that clients are told, beside ErrBadJSON, ErrBadField, ErrTooLarge and ErrBusy; see docs/protocol.md.
const (
	ErrBadType      ErrorCode = "bad_type"
	ErrBadAck       ErrorCode = "bad_ack"
	ErrTooManyRooms ErrorCode = "too_many_rooms"
	ErrNotJoined    ErrorCode = "not_joined"
	ErrForbidden    ErrorCode = "forbidden"
	ErrTooFast      ErrorCode = "too_fast"
	ErrUnsupported  ErrorCode = "unsupported"
)
