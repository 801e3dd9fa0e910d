/** Rooms without content of their own, and addresses that lead nowhere: each says what one can do instead. */

import { Icon } from '../ui/icons'
import { Card } from '../ui/parts'
import { Page } from '../ui/shell'

type Way = [string, string, string?] // sentence, link, words of the link
interface Room { name: string; about: string; ways: Way[] }

export const unbuilt: Record<string, Room> = {
}

export function Unbuilt({ room }: { room: Room }) {
  return (
    <Page title={room.name}>
      <Card class="room" label={room.name}>
        <h2>This room is not built yet</h2>
        <p class="muted">{room.about} What you can do instead:</p>
        <Ways ways={room.ways} />
      </Card>
    </Page>
  )
}

export function NotFound({ path }: { path: string }) {
  return (
    <Page title="Not found">
      <Card class="room" label="Not found">
        <h2>Nothing lives at <code style={{ overflowWrap: 'anywhere' }}>{path}</code></h2>
        <p class="muted">The address may be mistyped, or it is from another version. The rooms of this console:</p>
        <Ways ways={[['Spend, errors and latency:', '/', 'Overview'], ['Every recorded call:', '/calls', 'Calls'], ['Costs by anything:', '/costs', 'Costs']]} />
      </Card>
    </Page>
  )
}

const Ways = ({ ways }: { ways: Way[] }) => <ul>{ways.map(([text, link, words]) => <li key={text}><Icon name="right" size={12} /><span>{text} {link && <a href={link}>{words}</a>}</span></li>)}</ul>
