//! Words that hold sentences of other languages together. In an English request `die`, `est` or `sur` may be what it is about,
//! so they are passed over only where several of one language stand together.

use std::collections::BTreeSet;

use crate::stem::Terms;
use crate::text::Word;

/// From how many different ones on a request is in their language.
const SEVERAL: usize = 2;

/// German, Spanish, French, Portuguese, Italian, Dutch: as words are compared, in lower case and without accents.
const LANGUAGES: &[&str] = &[
    "der die das den dem des ein eine einen einem einer eines und oder aber ist sind war wird werden wurde es er sie wir ich du \
     mir mich dir dich mein meine meinen meinem meiner unser unsere unseren unserem ihr ihre was wer wie wo wann warum welche \
     welcher welches nicht kein keine mit von vom zu zum zur im ins auf aus bei nach fur fuer uber ueber unter durch gegen ohne \
     um bitte kann kannst konnen konnte mochte moechte will soll hat haben hatte noch auch nur alle allen sich dass wenn mal",
    "el la los las un una unos unas y o pero es son era ser esta este esto estos estas hay yo tu mi mis su sus nuestro nuestra \
     que quien como donde cuando cual cuales cuanto no con de del al en por para sin sobre entre hasta desde me te se lo le les \
     favor puedo puede quiero necesito tengo todo todos todas muy mas",
    "le la les l un une des du de d et ou mais est sont etait etre c ce cet cette ces il elle on nous vous je j tu mon ma mes ton \
     notre nos votre vos son sa ses leur que qui quoi quel quelle quels quelles comment ou quand pourquoi combien ne pas avec au \
     aux en dans par pour sans sur sous entre vers chez moi me te se y a plait peux peut veux voudrais dois tout tous toutes",
    "o a os as um uma uns umas e ou mas sao era ser este esta isto eu meu minha meus minhas seu sua nosso nossa que quem como onde \
     quando qual quais quanto nao com de do da dos das em no na nos nas ao por para sem sobre entre ate me te se favor posso quero \
     preciso tenho todo todos muito mais",
    "il lo la i gli le un uno una e o ma sono era essere questo questa questi io mio mia miei mie suo sua nostro che chi cosa come \
     dove quando quale quali quanto non con di del della dei delle da dal in nel nella su sul per senza sopra tra fra al alla mi ti \
     si favore posso puo voglio vorrei devo ho tutto tutti molto piu",
    "de het een en of maar is zijn was wordt worden er ik je jij mijn zijn haar ons onze wat wie hoe waar wanneer waarom welke niet \
     geen met van voor naar op uit bij aan over onder door tegen zonder om graag kan kun moet wil heb heeft nog ook alle",
];

/// The words of a request that say nothing in the language it is in.
pub(crate) fn fillers(words: &[Word]) -> BTreeSet<&'static str> {
    let said: BTreeSet<&str> = words
        .iter()
        .map(|word| word.whole.as_str())
        .filter(|word| !Terms::get().is_stop(word))
        .collect();
    let of = |language: &&'static str| -> BTreeSet<&'static str> {
        let words = language.split_ascii_whitespace();
        words.filter(|word| said.contains(word)).collect()
    };
    let all = LANGUAGES.iter().map(of);
    all.filter(|fillers| fillers.len() >= SEVERAL)
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::words;

    #[test]
    fn several_of_one_language_are_passed_over() {
        for (request, expected) in [
            ("Wie wird das Wetter morgen", "das wie wird"),
            ("crear un issue en github", "en un"),
            ("quelle heure est-il à Tokyo", "est il quelle"),
            ("convert EST to PST", ""),
            ("when did the process die", ""),
            ("LA weather", ""),
            ("", ""),
        ] {
            let found = fillers(&words(request));
            let found: Vec<&str> = found.into_iter().collect();
            assert_eq!(found.join(" "), expected, "{request}");
        }
    }
}
