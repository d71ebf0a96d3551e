// Follows a job's events to their end, and prints each as a line of JSON; the key is in $KEY.
import {EventSource} from 'eventsource'

const authorized = (url, init) =>
  fetch(url, {...init, headers: {...init.headers, Authorization: `Bearer ${process.env.KEY}`}})

const events = new EventSource(process.argv[2], {fetch: authorized})
const awake = setInterval(() => {}, 1000) // between two connections nothing else keeps Node running
const tell = (what) => console.log(JSON.stringify(what))

events.onmessage = ({lastEventId, data}) => tell({id: lastEventId, job: JSON.parse(data)})
events.onerror = ({code}) => {
  if (events.readyState !== EventSource.CLOSED) return // it comes back by itself
  tell({closed: code})
  clearInterval(awake)
}
