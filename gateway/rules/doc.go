// Package rules says what clients may do in which rooms: who joins and who publishes, direct messages, presence, sizes
// and rates. docs/rules.md has every field.
//
//	set, err := rules.New(rules.Options{Rules: []rules.Rule{
//		{Room: "user.{user}", Join: rules.Anyone},
//		{Room: "chat.*", Join: rules.Anyone, Publish: rules.Anyone, Presence: true, Rate: 2, Burst: 10},
//	}}, rules.Sources{})
//	g := &gateway.Gateway{Rules: set.Rules()}
package rules
