// Parses the AsyncAPI document of a file, and prints what it says of it as JSON.
import {readFileSync} from 'node:fs'
import {Parser} from '@asyncapi/parser'

const {document, diagnostics} = await new Parser().parse(readFileSync(process.argv[2], 'utf8'))
const worse = diagnostics.filter(({severity}) => severity < 2) // not that there is a newer version
const channels = document?.channels().all() ?? []
const messages = Object.fromEntries(channels.map((c) => [c.id(), c.messages().all().map((m) => m.name())]))
console.log(JSON.stringify({diagnostics: worse, messages}))
