package gateway

import (
	"cmp"
	"container/heap"
	"slices"
	"strconv"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/api"
)

// Pages of lists.
const (
	defaultPage = 100
	maxPage     = 1000
)

// pageSize returns how many entries a list is to have.
func pageSize(c *api.Command) (int, *commandError) {
	switch {
	case c.Limit == 0:
		return defaultPage, nil
	case c.Limit < 0 || c.Limit > maxPage:
		return 0, wrongField("limit must be from 1 to " + strconv.Itoa(maxPage))
	}
	return c.Limit, nil
}

// smallest keeps the smallest of the items that are offered to it: what is on a page is found without sorting
// everything.
type smallest[T any] struct {
	most    int
	compare func(a, b T) int
	items   []T // a heap with the largest on top
	more    bool
}

func (s *smallest[T]) Len() int           { return len(s.items) }
func (s *smallest[T]) Less(i, j int) bool { return s.compare(s.items[i], s.items[j]) > 0 }
func (s *smallest[T]) Swap(i, j int)      { s.items[i], s.items[j] = s.items[j], s.items[i] }
func (s *smallest[T]) Push(x any)         { s.items = append(s.items, x.(T)) }
func (s *smallest[T]) Pop() any           { panic("nothing is popped") }

func (s *smallest[T]) offer(item T) {
	if len(s.items) < s.most {
		heap.Push(s, item)
		return
	}
	s.more = true
	if s.compare(item, s.items[0]) < 0 {
		s.items[0] = item
		heap.Fix(s, 0)
	}
}

// page returns the items in order, and whether there are others.
func (s *smallest[T]) page() ([]T, bool) {
	slices.SortFunc(s.items, s.compare)
	return s.items, s.more
}

func (g *Gateway) doConns(c *api.Command) (*api.Answer, *commandError) {
	limit, err := pageSize(c)
	if err != nil {
		return nil, err
	}
	var after uint64
	if c.After != "" {
		var ok bool
		if after, ok = g.number(c.After); !ok {
			return nil, wrongField("after must be the conn of the page before")
		}
	}
	var page []*Client
	var more bool
	switch {
	case c.User != "" && c.Room != "":
		return nil, wrongField("conns takes room or user, not both")
	case c.User != "":
		page, more = oldest(g.WebSocket.ConnsOf(c.User), after, limit)
	case c.Room != "":
		page, more = oldest(g.WebSocket.Members(c.Room), after, limit)
	default:
		page = g.conns.page(after, limit+1)
		if more = len(page) > limit; more {
			page = page[:limit]
		}
	}
	list := make([]api.ConnInfo, len(page))
	for i, one := range page {
		list[i] = one.info()
	}
	return &api.Answer{Conns: list, More: more}, nil
}

// oldest returns the first page of those that are younger than after.
func oldest(conns []*molva.Conn, after uint64, limit int) ([]*Client, bool) {
	s := smallest[*Client]{most: limit, compare: func(a, b *Client) int { return cmp.Compare(a.number, b.number) }}
	for _, conn := range conns {
		if c := conn.Value().(*Client); c.number > after {
			s.offer(c)
		}
	}
	return s.page()
}

func (c *Client) info() api.ConnInfo {
	info := api.ConnInfo{Conn: c.ID(), User: c.user, Rooms: c.Rooms(), Since: c.since, Queued: c.conn.Queued()}
	if addr := c.conn.ClientAddr(); addr.IsValid() {
		info.Address = addr.String()
	}
	return info
}

func (g *Gateway) doRooms(c *api.Command) (*api.Answer, *commandError) {
	limit, err := pageSize(c)
	if err != nil {
		return nil, err
	}
	s := smallest[*room]{most: limit, compare: func(a, b *room) int { return cmp.Compare(a.name, b.name) }}
	g.rooms.mu.RLock()
	for name, r := range g.rooms.byName {
		if name > c.After {
			s.offer(r)
		}
	}
	g.rooms.mu.RUnlock()
	page, more := s.page()
	list := make([]api.RoomInfo, 0, len(page))
	for _, r := range page {
		list = append(list, r.info())
	}
	return &api.Answer{Rooms: &list, More: more}, nil
}

func (r *room) info() api.RoomInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return api.RoomInfo{Room: r.name, Conns: int(r.conns.Load()), Users: len(r.users)}
}

func (g *Gateway) doUsers(c *api.Command) (*api.Answer, *commandError) {
	limit, err := pageSize(c)
	if err != nil {
		return nil, err
	}
	s := smallest[api.UserInfo]{most: limit, compare: func(a, b api.UserInfo) int { return cmp.Compare(a.User, b.User) }}
	offer := func(users map[string]int) {
		for user, conns := range users {
			if user > c.After {
				s.offer(api.UserInfo{User: user, Conns: conns})
			}
		}
	}
	if c.Room == "" {
		g.conns.mu.RLock()
		offer(g.conns.users)
		g.conns.mu.RUnlock()
	} else {
		g.rooms.with(c.Room, func(r *room) {
			if r != nil {
				offer(r.users)
			}
		})
	}
	list, more := s.page()
	if list == nil {
		list = []api.UserInfo{}
	}
	return &api.Answer{Users: &list, More: more}, nil
}
