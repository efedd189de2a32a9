package mqtt

import (
	"maps"
	"slices"
)

// unwanted is the page of topics whose retained messages of a former run are taken off the
// broker. Safe for concurrent use.
type unwanted struct {
	*page
	writer *writer
	// topics with the number of the change that added them.
	topics map[string]uint64
}

func newUnwanted(w *writer) *unwanted {
	u := &unwanted{writer: w, topics: map[string]uint64{}}
	u.page = newPage("", u)
	w.add(u.page)
	return u
}

// add takes topics off the broker, each once.
func (u *unwanted) add(topics ...string) {
	added := u.changeIf(func() (news bool) {
		for _, topic := range topics {
			if u.topics[topic] == 0 {
				u.topics[topic], news = u.now.change+1, true
			}
		}
		return news
	})
	if added {
		u.writer.write(u.page)
	}
}

// messages implements content.
func (u *unwanted) messages() []outgoing {
	all := make([]outgoing, 0, len(u.topics))
	for _, topic := range slices.Sorted(maps.Keys(u.topics)) {
		all = append(all, emptied(topic, u.held >= u.topics[topic]))
	}
	return all
}

// left are those that the broker has not acknowledged yet.
func (u *unwanted) left() []string {
	left := []string{}
	u.look(func() {
		for topic, change := range u.topics {
			if u.held < change {
				left = append(left, topic)
			}
		}
	})
	slices.Sort(left)
	return left
}
