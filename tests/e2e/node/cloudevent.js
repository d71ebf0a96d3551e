// Reads a webhook, {headers, body}, by the SDK of CloudEvents; prints what it finds as JSON.
import {readFileSync} from 'node:fs'
import {HTTP} from 'cloudevents'

const message = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const event = HTTP.toEvent(message)
event.validate()
console.log(JSON.stringify({type: event.type, id: event.id, job: event.data}))
