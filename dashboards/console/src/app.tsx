/** Which room stands at which address. */

import { Component, type ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Failure, forget, request, whenSignedOut } from './lib/api'
import { patch, useLocation } from './lib/router'
import { AdvicePage } from './pages/advice'
import { BudgetsPage } from './pages/budgets'
import { CachePage } from './pages/cache'
import { CallPage } from './pages/call'
import { CostsPage } from './pages/costs'
import { KeysPage } from './pages/keys'
import { ModelsPage } from './pages/models'
import { Overview } from './pages/overview'
import { NotFound, unbuilt, Unbuilt } from './pages/rooms'
import { SignIn } from './pages/signin'
import { SystemPage } from './pages/system'
import { lazy } from './ui/lazy'
import { Problem } from './ui/parts'
import { Shell } from './ui/shell'

const CallsPage = lazy(() => import('./pages/calls').then((m) => m.CallsPage))
const PromptsPage = lazy(() => import('./pages/prompts').then((m) => m.PromptsPage))
const PromptPage = lazy(() => import('./pages/prompt').then((m) => m.PromptPage))
const ChangesPage = lazy(() => import('./pages/changes').then((m) => m.ChangesPage))
const ChangePage = lazy(() => import('./pages/changes').then((m) => m.ChangePage))
const PlaygroundPage = lazy(() => import('./pages/playground').then((m) => m.PlaygroundPage))
const ExperimentsPage = lazy(() => import('./pages/experiments').then((m) => m.ExperimentsPage))
const ExperimentPage = lazy(() => import('./pages/experiment').then((m) => m.ExperimentPage))
const ScoresPage = lazy(() => import('./pages/scores').then((m) => m.ScoresPage))
const OnlinePage = lazy(() => import('./pages/online').then((m) => m.OnlinePage))
const AnnotatePage = lazy(() => import('./pages/annotate').then((m) => m.AnnotatePage))
const ReviewPage = lazy(() => import('./pages/review').then((m) => m.ReviewPage))
const AgreementPage = lazy(() => import('./pages/agreement').then((m) => m.AgreementPage))
const DatasetsPage = lazy(() => import('./pages/datasets').then((m) => m.DatasetsPage))
const DatasetPage = lazy(() => import('./pages/dataset').then((m) => m.DatasetPage))
const RunPage = lazy(() => import('./pages/run').then((m) => m.RunPage))
const ComparePage = lazy(() => import('./pages/compare').then((m) => m.ComparePage))
const AlertsPage = lazy(() => import('./pages/alerts').then((m) => m.AlertsPage))
const TracesPage = lazy(() => import('./pages/traces').then((m) => m.TracesPage))
const TracePage = lazy(() => import('./pages/trace').then((m) => m.TracePage))
const SessionsPage = lazy(() => import('./pages/sessions').then((m) => m.SessionsPage))
const SessionPage = lazy(() => import('./pages/session').then((m) => m.SessionPage))
const UsersPage = lazy(() => import('./pages/users').then((m) => m.UsersPage))
const UserPage = lazy(() => import('./pages/user').then((m) => m.UserPage))
const DriftPage = lazy(() => import('./pages/drift').then((m) => m.DriftPage))
const ReportsPage = lazy(() => import('./pages/reports').then((m) => m.ReportsPage))
const RAGPage = lazy(() => import('./pages/rag').then((m) => m.RAGPage))
const RAGPipelinePage = lazy(() => import('./pages/ragpipeline').then((m) => m.RAGPipelinePage))
const MembersPage = lazy(() => import('./pages/members').then((m) => m.MembersPage))

function Room() {
  const { path } = useLocation()
  switch (path) {
    case '/': return <Overview />
    case '/calls': return <CallsPage />
    case '/costs': return <CostsPage />
    case '/costs/advice': return <AdvicePage />
    case '/traces': return <TracesPage />
    case '/sessions': return <SessionsPage />
    case '/users': return <UsersPage />
    case '/reports': return <ReportsPage />
    case '/cache': return <CachePage />
    case '/budgets': return <BudgetsPage />
    case '/alerts': return <AlertsPage />
    case '/models': return <ModelsPage />
    case '/keys': return <KeysPage />
    case '/prompts': return <PromptsPage />
    case '/changes': return <ChangesPage />
    case '/playground': return <PlaygroundPage />
    case '/experiments': return <ExperimentsPage />
    case '/scores': return <ScoresPage />
    case '/scores/online': return <OnlinePage />
    case '/scores/annotate': return <AnnotatePage />
    case '/scores/agreement': return <AgreementPage />
    case '/drift': return <DriftPage />
    case '/datasets': return <DatasetsPage />
    case '/datasets/runs/compare': return <ComparePage />
    case '/rag': return <RAGPage />
    case '/members': return <MembersPage />
    case '/system': return <SystemPage />
  }
  const call = /^\/calls\/([^/]+)$/.exec(path)
  if (call) return <CallPage id={decode(call[1]!)} />
  const trace = /^\/traces\/([^/]+)$/.exec(path)
  if (trace) return <TracePage key={path} id={decode(trace[1]!)} />
  const session = /^\/sessions\/([^/]+)$/.exec(path)
  if (session) return <SessionPage key={path} id={decode(session[1]!)} />
  const user = /^\/users\/([^/]+)$/.exec(path)
  if (user) return <UserPage key={path} user={decode(user[1]!)} />
  const prompt = /^\/prompts\/([^/]+)$/.exec(path)
  if (prompt) return <PromptPage key={path} name={decode(prompt[1]!)} />
  const change = /^\/changes\/([^/]+)$/.exec(path)
  if (change) return <ChangePage key={path} id={decode(change[1]!)} />
  const experiment = /^\/experiments\/([^/]+)$/.exec(path)
  if (experiment) return <ExperimentPage key={path} name={decode(experiment[1]!)} />
  const run = /^\/datasets\/runs\/([^/]+)$/.exec(path)
  if (run) return <RunPage key={path} id={decode(run[1]!)} />
  const queue = /^\/scores\/annotate\/([^/]+)$/.exec(path)
  if (queue) return <ReviewPage key={path} name={decode(queue[1]!)} />
  const dataset = /^\/datasets\/([^/]+)$/.exec(path)
  if (dataset) return <DatasetPage key={path} name={decode(dataset[1]!)} />
  const rag = /^\/rag\/([^/]+)(?:\/(bench|documents|collections|questions(?=\/))(?:\/([^/]+))?)?$/.exec(path)
  if (rag && (rag[2] === 'questions') === (rag[3] !== undefined)) return <RAGPipelinePage key={rag[1]} name={decode(rag[1]!)} tab={rag[2] ?? ''} question={decode(rag[3] ?? '')} />
  const room = unbuilt['/' + path.split('/')[1]]
  return room ? <Unbuilt room={room} /> : <NotFound path={path} />
}

const decode = (s: string): string => { try { return decodeURIComponent(s) } catch { return s } }

/** A fault in one room leaves the navigation standing. */
class Guard extends Component<{ at: string; children: ComponentChildren }, { fault: string; at: string }> {
  override state = { fault: '', at: '' }
  override componentDidCatch(e: unknown) { this.setState({ fault: e instanceof Error ? e.message : String(e), at: this.props.at }) }
  render() {
    const { fault, at } = this.state
    if (fault && at === this.props.at) {
      return <Problem error={new Failure(-1, 'console', `This page met something it does not understand: ${fault}. The data is safe; it can be read under /api/v1/.`)} retry={() => this.setState({ fault: '', at: '' })} />
    }
    return this.props.children
  }
}

export function App() {
  const { path, params } = useLocation()
  const [inside, set] = useState(true)
  const [note, setNote] = useState<Failure | null>(null)
  const [code, setCode] = useState(params.get('signin') ?? '')
  useEffect(() => whenSignedOut(() => set(false)), [])
  useEffect(() => {
    if (!code) return
    // A one-time link: the code is spent at once and leaves the address, so that it is not kept in the history.
    request('POST', '/api/v1/session', { code })
      .then(() => set(true), (e: unknown) => { setNote(e as Failure); set(false) })
      .finally(() => { patch({ signin: undefined }, true); setCode('') })
  }, [code])
  if (code) return <div class="alone" aria-busy="true"><p class="muted">Signing in…</p></div>
  if (!inside) return <SignIn note={note} onDone={() => { forget(); setNote(null); set(true) }} />
  return <Shell signOut={() => set(false)}><Guard at={path}><Room /></Guard></Shell>
}
