// Package command reads commands: from a line or a body in JSON, and from the query of a request. What is wrong with
// them it says as the answer.
package command
