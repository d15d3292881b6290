/** The call's words are wrong, or there is nobody to ask. Both exit with 4. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The exit code of whatever could not be asked. */
export const EXIT_USAGE = 4;

/** What `lazaret --help` prints. */
export const HELP = `lazaret: the quarantine station for Azure Container Registry

  lazaret start      run the whole pipeline on this machine, without a cloud
  lazaret demo       push a handful of images and show what happens to each
  lazaret status     what is known of an image, and why
  lazaret release    take an image out of quarantine
  lazaret insist     quarantine an image again whose quarantine was undone, or refused
  lazaret brake      show what holds new quarantines back, and let go of it
  lazaret coverage   how much of the registries is accounted for
  lazaret reconcile  compare registries and ledger now
  lazaret rebuild-ledger  rebuild a ledger that was lost
  lazaret policy     check a policy file, explain a verdict, see what another policy would change
  lazaret verify     verify an image's signatures, in a registry or in an OCI image layout
  lazaret probe      ask a registry what its documentation does not say

Each has --help, with examples. All take --json.
`;

/** Help texts by command. */
export const COMMAND_HELP: Readonly<Record<string, string>> = {
  start: `lazaret start [options]: run registry, storage, functions, scan job and Teams inbox on this machine

  --state-directory DIR   where everything is kept (default .lazaret); a later start resumes from it
  --policy FILE           the policy (default: the shipped local one, which asks for no signature)
  --database DIR|REF      Trivy's vulnerability database: a cache directory that holds db/, or host/repository:tag
  --java-database DIR|REF the same for jars
  --enforcement MODE      observe or enforce (default enforce)
  --quarantines-per-hour N  beyond it the brake is on (default 1000)
  --registry-options FILE how the registry behaves (local/registry/README.md); lazaret probe writes such a file
  --events TO             where the registry's events go: function (default) or queue, as private networks need it
  --event-schema SCHEMA   eventgrid (default) or cloudevents
  --registry-port N, --functions-port N, --inbox-port N   0 picks a free one (default)
  --json                  one JSON object on the first line when everything is ready

  It ends on SIGTERM, and when the process that started it is gone.

  npx lazaret start --registry-port 5000
  podman push --tls-verify=false my-image 127.0.0.1:5000/team-a/app:v1
`,
  demo: `lazaret demo [--story rollout] [--json] [--keep]: run the main job on a handful of images

  Exits 0 only if every verdict, lock, untag, mark and card is the expected one. --keep leaves the environment running
  until it is interrupted, so that the inbox can be looked at.

  --story rollout takes a registry that is in use from observing to enforcing instead, with the commands that a team would
  use, and exits 0 only if each step came out as told (docs/rollout.md).

  npx lazaret demo --keep
  npx lazaret demo --story rollout
`,
  status: `lazaret status REF [--wait SECONDS] [--endpoint URL] [--json]: what is known of an image, and why

  REF is host[:port]/repository:tag or …@sha256:…; a tag that quarantine removed still resolves.
  --wait returns when the verdict is final and its operations are applied, and waits for an unknown reference too.
  Exit code: 0 pass, 1 fail, 2 inconclusive or pending, 3 unknown, 4 usage or no environment.

  npx lazaret status 127.0.0.1:5000/team-a/app:v1 --wait 60
  npx lazaret status team.azurecr.io/app@sha256:… --endpoint https://lazaret.azurewebsites.net
`,
  policy: `lazaret policy check FILE [--json]: whether a policy file, with the keys beside it, can be used

  All problems at once, each with its path and line. Exit code: 0 fine, 1 problems, 4 usage or no such file.

lazaret policy explain REF [--endpoint URL] [--json]: which rule of the deployed policy matches, and what each of its
  conditions makes of the image's present evidence. Exit code, as of status: 0 pass, 1 fail, 2 inconclusive or pending,
  3 unknown, 4 usage or no environment.

lazaret policy diff [OLD] NEW [--endpoint URL] [--json]: which images another policy would judge otherwise, by cause

  OLD and NEW are policy files, with their keys beside them; without OLD, NEW is compared with the deployed policy. Every
  image of the ledger is judged under both by what is stored of it: nothing is changed, and no registry is asked. --json
  lists every image. Exit code: 0 nothing changes, 1 something does, 4 a file that cannot be used, usage or no environment.

  npx lazaret policy check policy/policy.yaml
  npx lazaret policy explain 127.0.0.1:5000/team-a/app:v1
  npx lazaret policy diff policy/policy.yaml --endpoint https://lazaret.azurewebsites.net
`,
  coverage: `lazaret coverage [HOST[:PORT]] [--endpoint URL] [--json]: how much of the registries is accounted for

  Every manifest is judged, pending, excluded (signatures, and what is no image), or unaccounted, which has to be 0.
  HOST:PORT names the local registry whose environment is asked. Exit code: 0, 1 where something is unaccounted, 4 usage
  or no environment.

  npx lazaret coverage 127.0.0.1:5000
  npx lazaret coverage --endpoint https://lazaret.azurewebsites.net --json
`,
  reconcile: `lazaret reconcile [HOST[:PORT]] [--all] [--endpoint URL] [--json]: compare registries and ledger now

  A timer does it every five minutes; this does it at once. --all looks at whole repositories, whenever they were last
  looked at. Exit code: 0, 1 where some repository could not be looked at, 4 usage or no environment.

  npx lazaret reconcile 127.0.0.1:5000 --all
`,
  'rebuild-ledger': `lazaret rebuild-ledger [HOST[:PORT]] [--reason TEXT] [--endpoint URL] [--json]: rebuild a lost ledger

  From registries, reports and quarantine records, into an empty table. Nothing in a registry is changed, and no card is
  sent. Safe to run again, and while images are pushed. --discard gives the records up instead, so that everything is
  judged anew; it needs --reason. Exit code: 0, 1 where records could not be read, 4 usage or no environment.

  npx lazaret rebuild-ledger --endpoint https://lazaret.azurewebsites.net --reason "the table was deleted, ticket 123"
  npx lazaret rebuild-ledger 127.0.0.1:5000
`,
  verify: `lazaret verify REF [--endpoint URL] [--json]: verify an image's signatures now, by the deployed policy
lazaret verify REF TRUST [--at TIME] [--json]: the same, by whom you trust, straight from the registry
lazaret verify --layout DIR[:tag|@sha256:…] [--scope REGISTRY/REPOSITORY] TRUST [--at TIME] [--json]: from an OCI image layout

  TRUST is what one of these says; a key or an identity together with --notation-config means that both have to have signed:
    --key FILE                      a PEM public key (EC P-256, P-384, P-521, RSA, Ed25519); Cosign signatures by it count
    --certificate-identity NAME --certificate-oidc-issuer URL   who has to have signed without a key, both compared as they are
    --certificate-identity-regexp P, --certificate-oidc-issuer-regexp P   patterns instead; here they have to match all of the
                                    name: they are anchored at both ends, which they are not in Cosign
    --trusted-root FILE             authorities and logs (trusted_root.json), which identities need
    --insecure-ignore-tlog          asks nothing of transparency logs; with --key, no trusted root is needed then
    --attestation-type TYPE         an attestation is wanted in the place of a Cosign signature: its predicate type, or Cosign's
                                    short name of it, such as slsaprovenance1 or vuln
    --notation-config DIR           trustpolicy.oci.json or trustpolicy.json, and truststore/, as Notation keeps them
    --policy FILE                   a policy of Lazaret's; its rule for the image counts
  --scope       what a layout stands for: the trust policy's scopes and the policy's rules are compared with it
  --at TIME     the moment of the verification, such as 2026-06-01T12:00:00Z (default now)
  --allow-host HOST[:PORT]  may be asked about revoked certificates though its address is private; may be said several times
  A registry on this machine is read without credentials, any other with those of az login.
  Exit code: 0 pass, 1 fail, 2 inconclusive, 4 usage, or something that cannot be read.

  npx lazaret verify 127.0.0.1:5000/team-a/app:v1
  npx lazaret verify --layout ./saved:v1 --key cosign.pub --insecure-ignore-tlog
  npx lazaret verify --layout ./saved --notation-config ~/.config/notation --scope team.azurecr.io/team-a/app
`,
  insist: `lazaret insist REF --reason TEXT [--endpoint URL] [--json]: quarantine a contested or refused image again

  Whoever takes a lock off by hand finds it on again, three times a day at most. Then the image is left open (contested), until
  somebody releases it, or insists.

  npx lazaret insist 127.0.0.1:5000/team-a/app@sha256:… --reason "agreed with the platform team, ticket 123"
`,
  brake: `lazaret brake [HOST[:PORT]] [--resume --reason TEXT [--allow N]] [--endpoint URL] [--json]: the brake

  At most so many images are quarantined within an hour; beyond that they are only marked and told, until somebody has looked
  at what they have in common. --resume lets those that are withheld go through; --allow so many instead. Exit code: 0, 1
  where the brake is on, 4 usage or no environment.

  npx lazaret brake 127.0.0.1:5000
  npx lazaret brake 127.0.0.1:5000 --resume --reason "CVE-2026-1 in the base image is real, ticket 123"
`,
  release: `lazaret release REF --reason TEXT [--for TIME] [--endpoint URL] [--json]: undo the quarantine of one image,
  journalled. --for: the quarantine returns by itself after this time, unless the image passes.

  npx lazaret release 127.0.0.1:5000/team-a/app:v1 --reason "accepted by the security team, ticket 123"
  npx lazaret release 127.0.0.1:5000/team-a/app:v1 --for 2h --reason "incident 45, the fix is on its way"
`,
  probe: `lazaret probe REGISTRY [--out FILE] [--events FILE [--wait SECONDS]] [--password-stdin] [--json]

  Asks a registry the questions that no documentation answers, in a new repository under lazaret-probe/ that is deleted
  afterwards, also after a failure. Nothing outside of that repository is read or changed.

  Where Lazaret enforces already, give lazaret-probe/** a rule that only marks: a lock of ours would answer in the
  registry's place.

  Credentials come from the environment, never from the command line:
    LAZARET_REGISTRY_TOKEN                              a refresh or access token of the registry
    LAZARET_REGISTRY_USER, LAZARET_REGISTRY_PASSWORD    a user and its password
  --password-stdin reads the token, or the password of LAZARET_REGISTRY_USER, from standard input. A registry on this
  machine is asked without any. They have to allow: pull, push, delete, read and change metadata.

  --out FILE      writes the answers as options of the emulated registry: lazaret start --registry-options FILE
  --events FILE   a file to which the registry's events are being written, one JSON object or array a line; waited for
                  up to --wait seconds (120)

  az acr login --name team --expose-token --query accessToken --output tsv | npx lazaret probe team.azurecr.io --password-stdin
`,
};
