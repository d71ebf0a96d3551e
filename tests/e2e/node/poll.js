// Sends a request, and has Azure's poller follow its job; prints what came of it as JSON. The key is in $KEY.
import {createHttpPoller} from '@azure/core-lro'

const [url, body, prefer = ''] = process.argv.slice(2)
const authorization = `Bearer ${process.env.KEY}`

/** Sends a request by fetch, which follows redirects; returns the answer as the poller wants it. */
async function send(path, init) {
  const method = init?.method ?? 'GET'
  const headers = {authorization, prefer, 'content-type': 'application/json'}
  const answer = await fetch(path, {headers, ...init})
  const parsed = JSON.parse(await answer.text())
  const rawResponse = {
    headers: Object.fromEntries(answer.headers),
    statusCode: answer.status,
    body: parsed,
    request: {method, url: path},
  }
  return {flatResponse: parsed, rawResponse}
}

const poller = createHttpPoller({
  sendInitialRequest: () => send(url, {method: 'POST', body}),
  sendPollRequest: (path) => send(path),
})
const ended = await poller.pollUntilDone().then((result) => ({result}), ({message}) => ({error: message}))
console.log(JSON.stringify({...ended, status: poller.operationState.status}))
