//! The suite for [`ClientStore`].

mod spending;

use super::{NOW, unique};
use crate::{
    client::{ClientId, ClientSecret, GrantType},
    clock::UnixTime,
    scope::Scope,
    store::{Authentication, Client, ClientStore, Insertion, KeptSecret, Lifetimes},
};
use std::{sync::Arc, time::Duration};

type Store = Arc<dyn ClientStore>;

/// Everything that [`ClientStore`] asks for. `a` and `b` are two handles on the same store.
pub async fn clients(a: Store, b: Store) {
    a_client_is_found_as_it_was_inserted(&*a, &*b).await;
    nothing_is_found_or_changed_where_there_is_nothing(&*a, &*b).await;
    a_taken_id_is_refused_and_nothing_is_replaced(&*a, &*b).await;
    ids_differ_by_more_than_case(&*a, &*b).await;
    of_many_insertions_of_one_id_exactly_one_wins(&a, &b).await;
    of_many_insertions_that_differ_by_case_exactly_one_wins(&a, &b).await;
    only_the_revision_that_is_there_is_replaced(&*a, &*b).await;
    of_many_replacements_of_one_revision_exactly_one_wins(&a, &b).await;
    a_removed_client_is_gone_and_the_id_is_free(&*a, &*b).await;
    pages_hold_every_client_once_in_the_order_of_ids(&*a, &*b).await;
    spending::an_assertion_is_spent_once(&*a, &*b).await;
    spending::a_spent_assertion_is_remembered_until_its_end(&*a, &*b).await;
    spending::a_refused_call_changes_nothing(&*a, &*b).await;
    spending::what_is_forgotten_takes_nothing_else_along(&*a, &*b).await;
    spending::of_many_calls_for_one_assertion_exactly_one_spends_it(&a, &b).await;
}

/// An id that no other client has.
fn fresh(prefix: &str) -> ClientId {
    unique(prefix).parse().expect("a client's id")
}

fn secret(ends_at: Option<UnixTime>) -> KeptSecret {
    KeptSecret { hash: ClientSecret::random().expect("randomness").hash(), created_at: NOW, ends_at }
}

/// A service with something in each of its fields.
fn client(id: &ClientId) -> Client {
    Client {
        id: id.clone(),
        name: Some("Nightly \"reports\" ('; -- \\ \u{1F4CA}\0\n".into()),
        authentication: Authentication::Secrets(vec![secret(Some(UnixTime(NOW.0 + 60))), secret(None)]),
        grants: GrantType::ALL.into(),
        scope: "reports:read items".parse().expect("a scope"),
        lifetimes: Lifetimes {
            access: Some(Duration::from_secs(60)),
            idle: Some(Duration::from_secs(600)),
            absolute: Some(Duration::from_secs(6_000)),
        },
        introspects: true,
        disabled: true,
        created_at: NOW,
        // No floating-point number is this one.
        revision: (1 << 53) + 1,
    }
}

/// One with nothing in any of them.
fn bare(id: &ClientId) -> Client {
    Client {
        id: id.clone(),
        name: None,
        authentication: Authentication::None,
        grants: [].into(),
        scope: Scope::default(),
        lifetimes: Lifetimes::default(),
        introspects: false,
        disabled: false,
        created_at: UnixTime(0),
        revision: 0,
    }
}

/// Clients that differ from the bare one in one thing each, and the two that differ in all.
fn all_kinds() -> Vec<Client> {
    let bare = || bare(&fresh("kind"));
    let mut kinds = vec![client(&fresh("kind")), bare()];
    let keys =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    for authentication in [
        Authentication::Secrets(vec![]),
        Authentication::Secrets(vec![secret(None)]),
        Authentication::Secrets((0..20).map(|seconds| secret(Some(UnixTime(seconds)))).collect()),
        Authentication::Keys(String::new()),
        Authentication::Keys(keys.into()),
    ] {
        kinds.push(Client { authentication, ..bare() });
    }
    kinds.extend(
        ["", "Ren\u{e9}e's", "null", "\u{202e}\"}{"].map(|name| Client { name: Some(name.into()), ..bare() }),
    );
    kinds.extend(GrantType::ALL.map(|grant| Client { grants: [grant].into(), ..bare() }));
    let many: Vec<_> = (0..1_000).map(|number| format!("https://api.example/{number}!#[]~")).collect();
    kinds.push(Client { scope: many.join(" ").parse().expect("a scope"), ..bare() });
    for seconds in [0, 1, u64::MAX].map(Duration::from_secs) {
        for lifetimes in [
            Lifetimes { access: Some(seconds), ..Lifetimes::default() },
            Lifetimes { idle: Some(seconds), ..Lifetimes::default() },
            Lifetimes { absolute: Some(seconds), ..Lifetimes::default() },
        ] {
            kinds.push(Client { lifetimes, ..bare() });
        }
    }
    kinds.push(Client { introspects: true, ..bare() });
    kinds.push(Client { disabled: true, ..bare() });
    kinds.push(Client { created_at: UnixTime(u64::MAX), ..bare() });
    kinds.push(Client { revision: i64::MAX as u64 - 1, ..bare() });
    let longest = format!("{:x<64}", fresh("Kind_.-"));
    kinds.push(Client { id: longest.parse().expect("a client's id"), ..bare() });
    kinds
}

async fn inserted(store: &dyn ClientStore, client: &Client) {
    assert_eq!(store.insert(client).await.expect("insert"), Insertion::Inserted, "a new id is free");
}

async fn found(store: &dyn ClientStore, id: &ClientId) -> Option<Client> {
    store.by_id(id).await.expect("by_id")
}

async fn replace(store: &dyn ClientStore, client: &Client) -> bool {
    store.replace(client).await.expect("replace")
}

async fn a_client_is_found_as_it_was_inserted(a: &dyn ClientStore, b: &dyn ClientStore) {
    for client in all_kinds() {
        inserted(a, &client).await;
        for store in [a, b] {
            assert_eq!(
                found(store, &client.id).await.as_ref(),
                Some(&client),
                "a client is found, unchanged"
            );
        }
    }
}

async fn nothing_is_found_or_changed_where_there_is_nothing(a: &dyn ClientStore, b: &dyn ClientStore) {
    let nobody = client(&fresh("nobody"));
    assert_eq!(found(a, &nobody.id).await, None);
    assert!(!replace(b, &nobody).await, "where there is no client none is replaced");
    assert!(!a.delete(&nobody.id, nobody.revision).await.expect("delete"), "nor removed");
    assert_eq!(found(b, &nobody.id).await, None, "a change of none makes none");
}

async fn a_taken_id_is_refused_and_nothing_is_replaced(a: &dyn ClientStore, b: &dyn ClientStore) {
    let first = client(&fresh("taken"));
    inserted(a, &first).await;
    for second in [bare(&first.id), Client { revision: first.revision + 1, ..first.clone() }, first.clone()] {
        assert_eq!(b.insert(&second).await.expect("insert"), Insertion::NameTaken, "a taken id is refused");
        for store in [a, b] {
            assert_eq!(found(store, &first.id).await.as_ref(), Some(&first), "and nothing is replaced");
        }
    }
}

async fn ids_differ_by_more_than_case(a: &dyn ClientStore, b: &dyn ClientStore) {
    let first = client(&fresh("Cased"));
    inserted(a, &first).await;
    let [upper, lower] = in_both_cases(&first.id);
    for other in [&upper, &lower] {
        let insertion = b.insert(&bare(other)).await.expect("insert");
        assert_eq!(insertion, Insertion::NameTaken, "an id that differs only by case is taken");
        for store in [a, b] {
            assert_eq!(found(store, other).await, None, "ids are compared byte for byte");
            assert_eq!(found(store, &first.id).await.as_ref(), Some(&first), "and nothing is replaced");
            assert!(!store.delete(other, first.revision).await.expect("delete"), "nor removed");
        }
        let renamed = Client { id: other.clone(), ..first.clone() };
        assert!(!replace(b, &renamed).await, "nor changed by another id");
    }
    assert!(a.delete(&first.id, first.revision).await.expect("delete"));
    inserted(b, &bare(&upper)).await;
    assert_eq!(a.insert(&first).await.expect("insert"), Insertion::NameTaken, "the new one has it");
}

fn in_both_cases(id: &ClientId) -> [ClientId; 2] {
    [id.as_str().to_ascii_uppercase(), id.as_str().to_ascii_lowercase()]
        .map(|text| text.parse().expect("a client's id"))
}

async fn of_many_insertions_that_differ_by_case_exactly_one_wins(a: &Store, b: &Store) {
    for _ in 0..8 {
        let ids = in_both_cases(&fresh("Contested"));
        let insert = |at: usize| {
            let store = if at.is_multiple_of(2) { a } else { b }.clone();
            let client = client(&ids[at / 2 % 2]);
            tokio::spawn(async move { store.insert(&client).await.expect("insert") == Insertion::Inserted })
        };
        let rule = "of 32 insertions of ids that differ only by case exactly one wins";
        let winner = only_winner((0..32).map(insert), rule).await;
        for store in [a, b] {
            assert!(found(&**store, &ids[winner / 2 % 2]).await.is_some(), "the winner is kept");
            assert_eq!(found(&**store, &ids[1 - winner / 2 % 2]).await, None, "and no other");
        }
    }
}

async fn of_many_insertions_of_one_id_exactly_one_wins(a: &Store, b: &Store) {
    for _ in 0..8 {
        let id = fresh("contested");
        let insert = |at: usize| {
            let (store, client) =
                (if at.is_multiple_of(2) { a } else { b }.clone(), numbered(&client(&id), at));
            tokio::spawn(async move { store.insert(&client).await.expect("insert") == Insertion::Inserted })
        };
        let winner = only_winner((0..32).map(insert), "of 32 insertions of one id exactly one wins").await;
        for store in [a, b] {
            let kept = found(&**store, &id).await.and_then(|kept| kept.name);
            assert_eq!(kept, Some(winner.to_string()), "what is kept is the winner's");
        }
    }
}

fn numbered(client: &Client, number: usize) -> Client {
    Client { name: Some(number.to_string()), ..client.clone() }
}

/// Which of the racers is the one that has won.
async fn only_winner(racers: impl Iterator<Item = tokio::task::JoinHandle<bool>>, rule: &str) -> usize {
    // All of them are under way before the first is waited for.
    let racers: Vec<_> = racers.collect();
    let mut winners = vec![];
    for (at, racer) in racers.into_iter().enumerate() {
        winners.extend(racer.await.expect("the task ends").then_some(at));
    }
    let &[winner] = &winners[..] else { panic!("{rule}, not {winners:?}") };
    winner
}

async fn only_the_revision_that_is_there_is_replaced(a: &dyn ClientStore, b: &dyn ClientStore) {
    let id = fresh("changing");
    let mut kept = client(&id);
    inserted(a, &kept).await;
    let first = kept.revision;
    // From one extreme to the other, so that each field changes, and by both handles.
    for (one, other, next) in [(a, b, bare(&id)), (b, a, client(&id)), (a, b, bare(&id))] {
        for stale in [0, 1, first - 1, kept.revision - 1, kept.revision + 1, u64::MAX] {
            let stale = Client { revision: stale, ..next.clone() };
            assert!(!replace(one, &stale).await, "another revision is not replaced");
            for store in [one, other] {
                let found = found(store, &id).await;
                assert_eq!(found.as_ref(), Some(&kept), "a refused replacement changes nothing");
            }
        }
        let next = Client { revision: kept.revision, ..next };
        assert!(replace(one, &next).await, "the revision that is there is replaced");
        assert!(!replace(other, &next).await, "and not a second time");
        kept = Client { revision: next.revision + 1, ..next };
        for store in [one, other] {
            let found = found(store, &id).await;
            assert_eq!(found.as_ref(), Some(&kept), "a replacement raises the revision by one");
        }
    }
}

async fn of_many_replacements_of_one_revision_exactly_one_wins(a: &Store, b: &Store) {
    let id = fresh("contested");
    inserted(&**a, &client(&id)).await;
    for _ in 0..8 {
        let seen = found(&**b, &id).await.expect("the client is there");
        let replace = |at: usize| {
            let (store, client) = (if at.is_multiple_of(2) { a } else { b }.clone(), numbered(&seen, at));
            tokio::spawn(async move { store.replace(&client).await.expect("replace") })
        };
        let rule = "of 32 replacements of one revision exactly one wins";
        let winner = only_winner((0..32).map(replace), rule).await;
        let kept = Client { revision: seen.revision + 1, ..numbered(&seen, winner) };
        for store in [a, b] {
            assert_eq!(found(&**store, &id).await.as_ref(), Some(&kept), "what is kept is the winner's");
        }
    }
}

async fn a_removed_client_is_gone_and_the_id_is_free(a: &dyn ClientStore, b: &dyn ClientStore) {
    let (first, other) = (client(&fresh("removed")), client(&fresh("removed")));
    inserted(a, &first).await;
    inserted(a, &other).await;
    for stale in [0, first.revision - 1, first.revision + 1, u64::MAX] {
        assert!(!b.delete(&first.id, stale).await.expect("delete"), "another revision is not removed");
        assert_eq!(found(a, &first.id).await.as_ref(), Some(&first), "a refused removal changes nothing");
    }
    assert!(b.delete(&first.id, first.revision).await.expect("delete"));
    for store in [a, b] {
        assert_eq!(found(store, &first.id).await, None, "a removed client is gone");
        assert!(
            !store.delete(&first.id, first.revision).await.expect("delete"),
            "and cannot be removed again"
        );
    }
    assert_eq!(found(a, &other.id).await.as_ref(), Some(&other), "no other goes with it");
    let second = Client { revision: first.revision + 1_000, ..bare(&first.id) };
    inserted(a, &second).await;
    assert!(!replace(b, &first).await, "whoever saw the one that was removed does not replace the next");
    assert_eq!(found(b, &first.id).await, Some(second));
}

async fn pages_hold_every_client_once_in_the_order_of_ids(a: &dyn ClientStore, b: &dyn ClientStore) {
    let prefix = fresh("page");
    let is_ours = |client: &Client| client.id.as_str().starts_with(prefix.as_str());
    let ids = |clients: &[Client]| clients.iter().map(|client| client.id.to_string()).collect::<Vec<_>>();
    // Bytes, not a locale, order ids: `-` and `.` come before digits, those before `A`, and `_` before `a`.
    let ends =
        ["a1", "C", "a_b", "a", "Z", "a.b", "-", "a-b", "0", "_", "aa", "ab", "aC", "b", "10", "9", "."];
    let mut clients =
        ends.map(|end| client(&format!("{prefix}{end}").parse().expect("a client's id"))).to_vec();
    for client in &clients {
        inserted(a, client).await;
    }
    clients.sort_by(|one, other| one.id.as_str().as_bytes().cmp(other.id.as_str().as_bytes()));
    for limit in [1, 2, 5, 100] {
        // From an id on that no client has.
        let (mut after, mut seen) = (prefix.clone(), vec![]);
        loop {
            let page = b.list(Some(&after), limit).await.expect("list");
            assert!(page.len() <= limit as usize, "a page is no longer than asked");
            let before = seen.len();
            seen.extend(page.into_iter().take_while(is_ours));
            match seen.last().filter(|_| seen.len() > before) {
                Some(last) => after = last.id.clone(),
                None => break,
            }
        }
        let rule = "pages hold every client once, in the order of the bytes of ids";
        assert_eq!(ids(&seen), ids(&clients), "{rule}");
        assert!(seen == clients, "pages hold whole clients");
    }
    let all = a.list(None, u32::MAX).await.expect("list");
    assert!(all.is_sorted_by(|one, next| one.id.as_str() < next.id.as_str()), "so does one page of all");
    assert!(all.into_iter().filter(is_ours).eq(clients), "and holds them too");
    assert_eq!(a.list(None, 0).await.expect("list"), [], "a page of none is empty");
}
