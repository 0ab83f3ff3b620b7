//! The suite for [`UserStore`].

use super::unique;
use crate::{
    clock::UnixTime,
    password::PasswordHash,
    store::{Insertion, Standing, User, UserStore},
    user::{NamePart, UserId, Username},
};
use std::sync::Arc;

type Store = Arc<dyn UserStore>;

/// Everything that [`UserStore`] asks for. `a` and `b` are two handles on the same store.
pub async fn users(a: Store, b: Store) {
    a_user_is_found_by_id_and_by_name(&*a, &*b).await;
    nobody_is_found_where_there_is_nobody(&*a).await;
    a_taken_name_is_refused_and_nobody_is_replaced(&*a, &*b).await;
    of_many_insertions_of_one_name_exactly_one_wins(&a, &b).await;
    of_many_users_each_is_added_whose_name_is_free(&*a, &*b).await;
    of_many_insertions_of_the_same_users_each_is_won_once(&a, &b).await;
    a_password_is_replaced_only_if_it_has_not_changed(&*a, &*b).await;
    of_many_replacements_of_one_password_exactly_one_wins(&a, &b).await;
    the_password_of_a_disabled_user_is_not_replaced(&*a, &*b).await;
    of_a_replacement_and_a_disabling_the_later_knows_of_the_earlier(&a, &b).await;
    changes_are_seen_through_the_other_handle(&*a, &*b).await;
    what_is_not_said_of_a_standing_stays_as_it_is(&*a, &*b).await;
    a_standing_that_changes_nothing_says_so(&*a, &*b).await;
    of_many_who_set_one_standing_exactly_one_changes_it(&a, &b).await;
    a_deleted_user_is_gone_and_the_name_is_free(&*a, &*b).await;
    pages_hold_every_user_once_in_the_order_of_names(&*a, &*b).await;
    a_search_finds_whoever_has_the_part_in_their_name(&*a, &*b).await;
    a_search_takes_no_character_for_a_wildcard(&*a).await;
    a.ping().await.expect("the store answers");
}

fn user(name: &str) -> User {
    User {
        id: UserId::random(),
        username: name.parse().expect("a user name"),
        password: hash("first"),
        roles: ["editor", "auditor:read"].iter().map(|role| role.parse().expect("a role")).collect(),
        disabled: false,
        created_at: UnixTime(1_700_000_000),
    }
}

/// Stores keep hashes as they are given, whatever they are.
fn hash(text: &str) -> PasswordHash {
    PasswordHash::from_stored(format!("$test${text}$'\";--\u{1F511}"))
}

async fn inserted(store: &dyn UserStore, user: &User) {
    assert_eq!(store.insert(user).await.expect("insert"), Insertion::Inserted, "a new name is free");
}

async fn a_user_is_found_by_id_and_by_name(a: &dyn UserStore, b: &dyn UserStore) {
    let mut ada = user(&unique("ada"));
    ada.disabled = true;
    inserted(a, &ada).await;
    for store in [a, b] {
        let found = store.by_id(ada.id).await.expect("by_id");
        assert_eq!(found.as_ref(), Some(&ada), "a user is found by id, unchanged");
        let found = store.by_username(&ada.username).await.expect("by_username");
        assert_eq!(found.as_ref(), Some(&ada), "a user is found by name, unchanged");
    }
}

async fn nobody_is_found_where_there_is_nobody(store: &dyn UserStore) {
    let nobody = user(&unique("nobody"));
    assert_eq!(store.by_id(nobody.id).await.expect("by_id"), None);
    assert_eq!(store.by_username(&nobody.username).await.expect("by_username"), None);
    let standing = Standing { roles: Some(nobody.roles.clone()), disabled: Some(true) };
    let changes = [
        store.replace_password(nobody.id, &hash("first"), &hash("second")).await.expect("replace_password"),
        store.set_password(nobody.id, &hash("second")).await.expect("set_password"),
        store.set_standing(nobody.id, &standing).await.expect("set_standing").is_some(),
        store.set_standing(nobody.id, &Standing::default()).await.expect("set_standing").is_some(),
        store.delete(nobody.id).await.expect("delete"),
    ];
    assert_eq!(changes, [false; 5], "a change of nobody says that there was nobody");
    assert_eq!(store.by_id(nobody.id).await.expect("by_id"), None, "a change of nobody makes nobody");
}

async fn a_taken_name_is_refused_and_nobody_is_replaced(a: &dyn UserStore, b: &dyn UserStore) {
    let name = unique("grace");
    let (first, second) = (user(&name), user(&name));
    inserted(a, &first).await;
    assert_eq!(b.insert(&second).await.expect("insert"), Insertion::NameTaken, "a taken name is refused");
    assert_eq!(b.by_username(&first.username).await.expect("by_username"), Some(first));
    assert_eq!(a.by_id(second.id).await.expect("by_id"), None);
}

async fn of_many_insertions_of_one_name_exactly_one_wins(a: &Store, b: &Store) {
    for _ in 0..8 {
        let name = unique("contested");
        let insert = |at: usize| {
            let (store, user) = (if at.is_multiple_of(2) { a } else { b }.clone(), user(&name));
            tokio::spawn(async move { store.insert(&user).await.expect("insert") })
        };
        let racers: Vec<_> = (0..32).map(insert).collect();
        let mut winners = 0;
        for racer in racers {
            winners += usize::from(racer.await.expect("the task ends") == Insertion::Inserted);
        }
        assert_eq!(winners, 1, "of 32 insertions of one name exactly one wins");
    }
}

async fn of_many_users_each_is_added_whose_name_is_free(a: &dyn UserStore, b: &dyn UserStore) {
    let (taken, twice) = (user(&unique("taken")), unique("twice"));
    inserted(a, &taken).await;
    let mut users = vec![
        user(&unique("first")),
        user(taken.username.as_str()),
        user(&twice),
        user(&twice),
        user(&unique("last")),
    ];
    users[0].roles.clear();
    users[4].disabled = true;
    let found = b.insert_all(&users).await.expect("insert_all");
    use Insertion::{Inserted, NameTaken};
    assert_eq!(found, [Inserted, NameTaken, Inserted, NameTaken, Inserted], "each is told, in their order");
    for (user, is_there) in users.iter().zip([true, false, true, false, true]) {
        let found = a.by_id(user.id).await.expect("by_id");
        assert_eq!(found.as_ref(), is_there.then_some(user), "whoever was added is found, unchanged");
    }
    assert_eq!(a.by_username(&taken.username).await.expect("by_username"), Some(taken));
    assert_eq!(b.insert_all(&[]).await.expect("insert_all"), [], "nobody is added");
}

async fn of_many_insertions_of_the_same_users_each_is_won_once(a: &Store, b: &Store) {
    let names: Vec<_> = (0..32).map(|_| unique("many")).collect();
    let insert = |at: usize| {
        let store = if at.is_multiple_of(2) { a } else { b }.clone();
        let mut users: Vec<_> = names.iter().map(|name| user(name)).collect();
        // Two that go through them in opposite orders must not wait for each other.
        if at.is_multiple_of(3) {
            users.reverse();
        }
        tokio::spawn(async move { store.insert_all(&users).await.expect("insert_all") })
    };
    let racers: Vec<_> = (0..8).map(insert).collect();
    let mut winners = 0;
    for racer in racers {
        let found = racer.await.expect("the task ends");
        winners += found.iter().filter(|one| **one == Insertion::Inserted).count();
    }
    assert_eq!(winners, names.len(), "each name is won once");
}

async fn a_password_is_replaced_only_if_it_has_not_changed(a: &dyn UserStore, b: &dyn UserStore) {
    let user = user(&unique("hedy"));
    inserted(a, &user).await;
    let replace = |from, to| b.replace_password(user.id, from, to);
    let (first, second, third) = (hash("first"), hash("second"), hash("third"));
    assert!(!replace(&second, &third).await.expect("replace_password"), "a changed hash is left alone");
    assert!(replace(&first, &second).await.expect("replace_password"), "an unchanged hash is replaced");
    assert!(!replace(&first, &third).await.expect("replace_password"), "a replacement is not repeated");
    let found = a.by_id(user.id).await.expect("by_id").expect("the user is there");
    assert_eq!(found.password, second);
}

async fn of_many_replacements_of_one_password_exactly_one_wins(a: &Store, b: &Store) {
    let user = user(&unique("radia"));
    inserted(&**a, &user).await;
    let replace = |at: usize| {
        let (store, id) = (if at.is_multiple_of(2) { a } else { b }.clone(), user.id);
        let new = hash(&at.to_string());
        tokio::spawn(async move { store.replace_password(id, &hash("first"), &new).await.expect("replace") })
    };
    let racers: Vec<_> = (0..32).map(replace).collect();
    let mut winners = 0;
    for racer in racers {
        winners += usize::from(racer.await.expect("the task ends"));
    }
    assert_eq!(winners, 1, "of 32 replacements of one hash exactly one wins");
}

async fn the_password_of_a_disabled_user_is_not_replaced(a: &dyn UserStore, b: &dyn UserStore) {
    let user = user(&unique("karen"));
    inserted(a, &user).await;
    let disable = |disabled| Standing { disabled: Some(disabled), ..Standing::default() };
    let replace = || b.replace_password(user.id, &user.password, &user.password);
    a.set_standing(user.id, &disable(true)).await.expect("set_standing");
    assert!(!replace().await.expect("replace_password"), "a disabled user's hash is left alone");
    a.set_standing(user.id, &disable(false)).await.expect("set_standing");
    assert!(replace().await.expect("replace_password"), "an enabled user's is replaced");
}

/// Two steps race; whichever comes second in the store has seen the first.
async fn of_a_replacement_and_a_disabling_the_later_knows_of_the_earlier(a: &Store, b: &Store) {
    for _ in 0..16 {
        let user = user(&unique("barbara"));
        inserted(&**a, &user).await;
        let (one, other, id) = (a.clone(), b.clone(), user.id);
        let replaced = tokio::spawn(async move {
            one.replace_password(id, &hash("first"), &hash("second")).await.expect("replace_password")
        });
        let disabling = Standing { disabled: Some(true), ..Standing::default() };
        let disabled = tokio::spawn(async move {
            other.set_standing(id, &disabling).await.expect("set_standing");
            other.by_id(id).await.expect("by_id").expect("the user is there").password
        });
        let (replaced, seen) =
            (replaced.await.expect("the task ends"), disabled.await.expect("the task ends"));
        let expected = if replaced { hash("second") } else { hash("first") };
        assert_eq!(seen, expected, "no password is replaced after the answer that its user is disabled");
    }
}

async fn a_standing_that_changes_nothing_says_so(a: &dyn UserStore, b: &dyn UserStore) {
    let user = user(&unique("ida"));
    inserted(a, &user).await;
    let same = Standing { roles: Some(user.roles.clone()), disabled: Some(false) };
    let other = Standing { roles: Some([].into()), disabled: Some(true) };
    for (standing, changed) in [
        (&same, Standing::default()),
        (&other, other.clone()),
        (&other, Standing::default()),
        (&Standing { disabled: Some(true), ..same.clone() }, Standing { disabled: None, ..same.clone() }),
        (&same, Standing { roles: None, ..same.clone() }),
        (&Standing::default(), Standing::default()),
    ] {
        let found = b.set_standing(user.id, standing).await.expect("set_standing");
        assert_eq!(found, Some(changed), "the parts that were different: {standing:?}");
    }
}

async fn of_many_who_set_one_standing_exactly_one_changes_it(a: &Store, b: &Store) {
    let user = user(&unique("shafi"));
    inserted(&**a, &user).await;
    for roles in [&[][..], &["editor"], &["admin", "editor"], &["admin"], &["editor"]] {
        let roles = roles.iter().map(|role| role.parse().expect("a role")).collect();
        let standing = Standing { roles: Some(roles), disabled: None };
        let set = |at: usize| {
            let (store, id) = (if at.is_multiple_of(2) { a } else { b }.clone(), user.id);
            let standing = standing.clone();
            tokio::spawn(async move { store.set_standing(id, &standing).await.expect("set_standing") })
        };
        let racers: Vec<_> = (0..32).map(set).collect();
        let mut changed = 0;
        for racer in racers {
            changed += usize::from(racer.await.expect("the task ends") == Some(standing.clone()));
        }
        assert_eq!(changed, 1, "of 32 who set one standing exactly one changes it");
    }
}

async fn changes_are_seen_through_the_other_handle(a: &dyn UserStore, b: &dyn UserStore) {
    let mut user = user(&unique("joan"));
    inserted(a, &user).await;
    user.password = hash("changed");
    user.roles = ["admin".parse().expect("a role")].into();
    user.disabled = true;
    assert!(a.set_password(user.id, &user.password).await.expect("set_password"));
    let standing = Standing { roles: Some(user.roles.clone()), disabled: Some(true) };
    assert_eq!(a.set_standing(user.id, &standing).await.expect("set_standing"), Some(standing));
    assert_eq!(
        b.by_id(user.id).await.expect("by_id"),
        Some(user),
        "a change that was answered is seen by all"
    );
}

async fn what_is_not_said_of_a_standing_stays_as_it_is(a: &dyn UserStore, b: &dyn UserStore) {
    let mut user = user(&unique("dorothy"));
    let bystander = self::user(&unique("bystander"));
    inserted(a, &user).await;
    inserted(a, &bystander).await;
    let none = || Some([].into());
    let admin = || Some(["admin".parse().expect("a role")].into());
    for (roles, disabled) in [
        (None, Some(true)),
        (admin(), None),
        (None, None),
        (none(), Some(false)),
        (admin(), Some(true)),
        (none(), None),
        (None, Some(false)),
    ] {
        let standing = Standing { roles, disabled };
        let changed = a.set_standing(user.id, &standing).await.expect("set_standing");
        let expected = standing.changed_from(&user.roles, user.disabled);
        assert_eq!(changed, Some(expected), "the parts that were different: {standing:?}");
        let Standing { roles, disabled } = standing.clone();
        user.roles = roles.unwrap_or(user.roles);
        user.disabled = disabled.unwrap_or(user.disabled);
        let found = b.by_id(user.id).await.expect("by_id");
        assert_eq!(found.as_ref(), Some(&user), "exactly what was said changes: {standing:?}");
    }
    let found = b.by_id(bystander.id).await.expect("by_id");
    assert_eq!(found, Some(bystander), "a standing is one user's");
}

async fn a_deleted_user_is_gone_and_the_name_is_free(a: &dyn UserStore, b: &dyn UserStore) {
    let name = unique("mary");
    let (first, second) = (user(&name), user(&name));
    inserted(a, &first).await;
    assert!(b.delete(first.id).await.expect("delete"));
    assert_eq!(a.by_id(first.id).await.expect("by_id"), None, "a deleted user is gone");
    assert_eq!(a.by_username(&first.username).await.expect("by_username"), None, "a deleted user is gone");
    inserted(a, &second).await;
}

async fn pages_hold_every_user_once_in_the_order_of_names(a: &dyn UserStore, b: &dyn UserStore) {
    let prefix = unique("page");
    // Bytes, not a locale, order names: `Z` is folded, `-` comes before digits, `ä` after `z`.
    let mut names: Vec<Username> = ["b", "a", "a-b", "a1", "\u{e4}", "z"]
        .iter()
        .map(|end| format!("{prefix}-{end}").parse().expect("a name"))
        .collect();
    for name in &names {
        inserted(a, &user(name.as_str())).await;
    }
    names.sort();
    let mut after: Username = prefix.parse().expect("a name");
    let mut seen = vec![];
    loop {
        let page = b.list(Some(&after), 2).await.expect("list");
        assert!(page.len() <= 2, "a page is no longer than asked");
        let ours =
            page.into_iter().map(|user| user.username).take_while(|name| name.as_str().starts_with(&prefix));
        let before = seen.len();
        seen.extend(ours);
        match seen.last().filter(|_| seen.len() > before) {
            Some(last) => after = last.clone(),
            None => break,
        }
    }
    assert_eq!(seen, names, "pages hold every user once, in the order of the bytes of names");
    assert_eq!(a.list(None, 0).await.expect("list"), [], "a page of nobody is empty");
}

fn part(text: &str) -> NamePart {
    text.parse().expect("a part of a name")
}

async fn names(store: &dyn UserStore, text: &str, after: Option<&Username>, limit: u32) -> Vec<String> {
    let found = store.search(&part(text), after, limit).await.expect("search");
    found.into_iter().map(|user| user.username.to_string()).collect()
}

async fn a_search_finds_whoever_has_the_part_in_their_name(a: &dyn UserStore, b: &dyn UserStore) {
    // Nobody else's name has this in it.
    let mark = unique("mark");
    let mut all = vec![];
    for name in [format!("{mark}-ada"), format!("grace.{mark}"), format!("z\u{e4}hler{mark}x"), mark.clone()]
    {
        inserted(a, &user(&name)).await;
        all.push(name);
    }
    inserted(a, &user(&unique("another"))).await;
    all.sort();
    assert_eq!(names(b, &mark, None, 10).await, all, "wherever the part stands, in the order of names");
    let shouted = format!("Z\u{c4}HLER{}", mark.to_uppercase());
    assert_eq!(names(b, &shouted, None, 10).await, [format!("z\u{e4}hler{mark}x")], "case does not count");
    let decomposed = format!("za\u{308}hler{mark}");
    assert_eq!(names(b, &decomposed, None, 10).await.len(), 1, "nor does how a letter is composed");
    for nobody in [format!("{mark}y"), format!("{mark} "), format!(" {mark}"), format!("{mark}-ada-")] {
        assert_eq!(names(b, &nobody, None, 10).await, [""; 0], "{nobody:?} stands in no name");
    }

    let (mut seen, mut after): (Vec<String>, Option<Username>) = (vec![], None);
    loop {
        let page = names(b, &mark, after.as_ref(), 1).await;
        assert!(page.len() <= 1, "a page is no longer than asked");
        match page.last() {
            Some(last) => after = Some(last.parse().expect("a name")),
            None => break,
        }
        seen.extend(page);
    }
    assert_eq!(seen, all, "pages hold everybody whom the search finds once");
    assert_eq!(names(b, &mark, None, 0).await, [""; 0], "a page of nobody is empty");
    let first = a.list(None, 3).await.expect("list");
    assert_eq!(a.search(&part(""), None, 3).await.expect("search"), first, "nothing stands in every name");
}

async fn a_search_takes_no_character_for_a_wildcard(store: &dyn UserStore) {
    let mark = unique("mark");
    for end in ["%", "_", "*", "?", "\\", "'", "\"", "[a]", ".", "^", "$", "x"] {
        inserted(store, &user(&format!("{mark}{end}"))).await;
    }
    for end in ["%", "_", "*", "?", "\\", "'", "\"", "[a]", ".", "^", "$"] {
        let name = format!("{mark}{end}");
        assert_eq!(names(store, &name, None, 20).await, [name], "{end} stands for itself");
    }
    for pattern in ["%%", "_%", "[ax]", ".*", "\\%", "%x", "a]"] {
        let found = names(store, &format!("{mark}{pattern}"), None, 20).await;
        assert_eq!(found, [""; 0], "{pattern} is no pattern");
    }
}
